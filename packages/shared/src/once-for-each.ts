/**
 * Makes something of an object when it is first asked for, and has it ready from then on, for as long as somebody has
 * that object.
 *
 * @param make Asked once for each object.
 */
export function onceForEach<Key extends object, Value extends string | object>(
  make: (key: Key) => Value,
): (key: Key) => Value {
  const made = new WeakMap<Key, Value>();
  return (key) => {
    let value = made.get(key);
    if (value === undefined) {
      value = make(key);
      made.set(key, value);
    }
    return value;
  };
}
