import type { Logger } from '@surealived/shared/log';
import { listed } from '../ipvs/listed.js';
import { describeService } from '../ipvs/table.js';
import { type HeldBack, listDeletions } from '../plan/deletions.js';
import type { LeftAlone } from '../plan/protection.js';

/** Tells what rounds leave undone on purpose: once, and again when it changes. */
export class GuardLog {
  readonly #log: Logger;
  readonly #told = new Map<string, string>();
  #leftAlone: readonly LeftAlone[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** What the last round over the whole table did not touch. */
  get leftAlone(): readonly LeftAlone[] {
    return this.#leftAlone;
  }

  /** @param leftAlone Of a round over the whole table; `undefined` for a smaller one, which cannot know. */
  note(heldBack: HeldBack | undefined, leftAlone: readonly LeftAlone[] | undefined): void {
    this.#noteHeldBack(heldBack, leftAlone !== undefined);
    if (!leftAlone) return;
    this.#leftAlone = leftAlone;
    const names = (isIt: (one: LeftAlone) => boolean): string =>
      listed(leftAlone.filter(isIt).map(({ service }) => describeService(service)));
    this.#tell(
      'not in the snapshot, left alone without -u',
      names(({ reason }) => reason === 'unmanaged'),
    );
    this.#tell(
      'protected',
      names(({ reason, isDesired }) => reason === 'protected' && !isDesired),
    );
    this.#tell(
      'protected and left alone, though in the snapshot',
      names(({ reason, isDesired }) => reason === 'protected' && isDesired),
    );
  }

  #noteHeldBack(heldBack: HeldBack | undefined, isWhole: boolean): void {
    if (heldBack) {
      const deletions = listDeletions(heldBack);
      const { count, maxDeletes } = heldBack;
      if (this.#isNews('held back', `${count} ${deletions}`))
        this.#log.error({ count, maxDeletes, deletions }, 'too many deletions held back, SIGHUP makes them');
    } else if (isWhole) this.#told.delete('held back');
  }

  #tell(message: string, virtuals: string): void {
    if (this.#isNews(message, virtuals) && virtuals !== '') this.#log.info({ virtuals }, message);
  }

  #isNews(about: string, text: string): boolean {
    if ((this.#told.get(about) ?? '') === text) return false;
    this.#told.set(about, text);
    return true;
  }
}
