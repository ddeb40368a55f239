/** Reals whose figures lie side by side: few enough that those which a reload removes hold little back. */
const ROWS = 64;

/**
 * Numbers of some reals, a row each. 100,000 reals would otherwise have 200,000 arrays, of which each takes more than its
 * content. Free once no real holds it any more.
 */
export class CellBlock {
  readonly #sumsLength: number;
  readonly #ringLength: number;
  readonly #sums: Float64Array;
  readonly #ring: Uint32Array;
  #taken = 0;

  constructor(sumsLength: number, ringLength: number) {
    this.#sumsLength = sumsLength;
    this.#ringLength = ringLength;
    this.#sums = new Float64Array(ROWS * sumsLength);
    this.#ring = new Uint32Array(ROWS * ringLength);
  }

  get isFull(): boolean {
    return this.#taken === ROWS;
  }

  /** The next row, all of it zero. */
  take(): number {
    return this.#taken++;
  }

  sum(row: number, which: number): number {
    return this.#sums[row * this.#sumsLength + which] ?? 0;
  }

  setSum(row: number, which: number, value: number): void {
    this.#sums[row * this.#sumsLength + which] = value;
  }

  add(row: number, which: number, value: number): void {
    this.setSum(row, which, this.sum(row, which) + value);
  }

  /** 0..2³² - 1. */
  ring(row: number, place: number): number {
    return this.#ring[row * this.#ringLength + place] ?? 0;
  }

  setRing(row: number, place: number, value: number): void {
    this.#ring[row * this.#ringLength + place] = value;
  }
}

/** Deals out rows by the length of their rings. */
export class CellStore {
  readonly #sumsLength: number;
  /** The one of each length that is filled now. */
  readonly #blocks = new Map<number, CellBlock>();

  /** @param sumsLength Sums of each real. */
  constructor(sumsLength: number) {
    this.#sumsLength = sumsLength;
  }

  /** A block with room for one row more. */
  blockFor(ringLength: number): CellBlock {
    const known = this.#blocks.get(ringLength);
    if (known && !known.isFull) return known;
    const block = new CellBlock(this.#sumsLength, ringLength);
    this.#blocks.set(ringLength, block);
    return block;
  }
}
