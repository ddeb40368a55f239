import { expect, it } from 'vitest';
import { onceForEach } from './once-for-each.js';

it('makes one thing for each object', () => {
  const asked: string[] = [];
  const named = onceForEach(({ name }: { readonly name: string }) => {
    asked.push(name);
    return { name };
  });
  const [www, mail] = [{ name: 'www' }, { name: 'mail' }];
  const first = named(www);
  expect(named(mail)).toEqual({ name: 'mail' });
  expect(named(www)).toBe(first);
  expect(asked).toEqual(['www', 'mail']);
});

it('asks once where an empty text is made', () => {
  let asked = 0;
  const empty = onceForEach(() => {
    asked += 1;
    return '';
  });
  const key = {};
  expect([empty(key), empty(key)]).toEqual(['', '']);
  expect(asked).toBe(1);
});
