import fc from 'fast-check';

/** What can happen to the bytes of a file. Places and lengths are shares of the whole, so that they fit any file. */
interface Damage {
  readonly kind: 'overwrite' | 'insert' | 'delete' | 'repeat' | 'cut';
  readonly place: number;
  readonly length: number;
  readonly bytes: Uint8Array;
}

/** The bytes of the format itself, which lead further into a reader than others do, and any. */
const byte = fc.oneof(
  fc.constantFrom(...Buffer.from('\n\n\r\t =.:-0123456789abcdefDIFrvmt')),
  fc.integer({ min: 0, max: 255 }),
);
const share = fc.double({ min: 0, max: 1, noNaN: true });

const damage: fc.Arbitrary<Damage> = fc.record({
  kind: fc.constantFrom('overwrite', 'overwrite', 'insert', 'delete', 'repeat', 'cut'),
  place: share,
  length: fc.oneof(fc.constant(0), share),
  bytes: fc.array(byte, { minLength: 1, maxLength: 4 }).map((bytes) => Uint8Array.from(bytes)),
});

/** One to three things that happen to a file, one after the other. */
export const damages: fc.Arbitrary<readonly Damage[]> = fc.array(damage, { minLength: 1, maxLength: 3 });

/** The file afterwards. */
export function damaged(file: Buffer, all: readonly Damage[]): Buffer {
  return all.reduce(applyDamage, file);
}

function applyDamage(file: Buffer, { kind, place, length, bytes }: Damage): Buffer {
  const at = Math.floor(place * file.length);
  const end = at + 1 + Math.floor(length * (file.length - at));
  const [before, rest] = [file.subarray(0, at), file.subarray(at)];
  switch (kind) {
    case 'overwrite':
      return Buffer.concat([before, bytes, rest.subarray(bytes.length)]);
    case 'insert':
      return Buffer.concat([before, bytes, rest]);
    case 'delete':
      return Buffer.concat([before, file.subarray(end)]);
    case 'repeat':
      return Buffer.concat([file.subarray(0, end), rest]);
    case 'cut':
      return before;
  }
}
