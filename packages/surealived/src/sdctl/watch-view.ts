import type { Paint } from '@surealived/shared/text-table';
import type { RealDocument, RealList, VirtualWithReals } from '../admin/documents.js';
import { renderFlat, renderTransition } from './render.js';
import { realId, virtualId } from './select.js';

interface Place {
  readonly virtual: VirtualWithReals;
  readonly real: RealDocument;
}

/** Transitions that a screen shows. */
const SHOWN_NEWS = 8;
/** Title and headings of a screen, and an empty line above the transitions. */
const FRAME_LINES = 3;
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';

/** What a live view knows, and how it looks. No I/O. */
export class LiveView {
  readonly #title: string;
  readonly #paint: Paint;
  #places: readonly Place[] = [];
  /** Time and kind of the last transition of each real. */
  #known: ReadonlyMap<string, string> | undefined;
  #news: readonly string[] = [];
  #trouble: string | undefined;

  /** @param title Whom it shows. */
  constructor(title: string, paint: Paint) {
    this.#title = title;
    this.#paint = paint;
  }

  /** Takes in the state of now. @returns Lines for what is new: of each real, its last transition. */
  update({ virtuals }: RealList): readonly string[] {
    const places = virtuals.flatMap((virtual) => virtual.reals.map((real): Place => ({ virtual, real })));
    const known = new Map(places.map((place) => [keyOf(place), marked(place.real)]));
    const before = this.#known;
    const news = before ? this.#transitions(places, before) : [];
    const back = this.#trouble === undefined ? [] : [`${this.#title}: is back`];
    const head = before ? back : [this.#summary(places)];
    this.#places = places;
    this.#known = known;
    this.#trouble = undefined;
    this.#news = [...this.#news, ...news].slice(-SHOWN_NEWS);
    return [...head, ...news];
  }

  /** Takes in that there is no answer. @returns Lines for it, once. */
  lose(why: string): readonly string[] {
    const isNew = this.#trouble === undefined;
    this.#trouble = why;
    return isNew ? [why] : [];
  }

  /** The whole screen, to be written over the last one. */
  frame(columns: number, rows: number): string {
    const room = Math.max(rows - FRAME_LINES - this.#news.length - 1, 1);
    const isCut = this.#places.length > room;
    const shown = isCut ? this.#unwellFirst().slice(0, room) : this.#places;
    const lines = [
      this.#trouble === undefined ? this.#summary(this.#places) : this.#paint('red', this.#trouble),
      ...renderFlat(shown, this.#paint),
      ...(isCut ? [`… ${this.#places.length - shown.length} more`] : []),
      ...(this.#news.length > 0 ? ['', ...this.#news] : []),
    ];
    const text = lines.slice(0, rows).map((line) => `${cut(line, columns)}${CLEAR_LINE}`);
    return `${HOME}${text.join('\r\n')}${CLEAR_BELOW}`;
  }

  #summary(places: readonly Place[]): string {
    const online = places.filter(({ real }) => real.online).length;
    return `${this.#title}: ${online} of ${places.length} reals up`;
  }

  #transitions(places: readonly Place[], before: ReadonlyMap<string, string>): readonly string[] {
    return places
      .filter((place) => place.real.lastTransition && before.get(keyOf(place)) !== marked(place.real))
      .sort((a, b) => marked(a.real).localeCompare(marked(b.real)))
      .flatMap(({ virtual, real }) =>
        real.lastTransition ? [renderTransition(virtual, real, real.lastTransition, this.#paint)] : [],
      );
  }

  #unwellFirst(): readonly Place[] {
    const isWell = ({ real }: Place): boolean => real.online && real.rstate === 'ONLINE';
    return [...this.#places.filter((place) => !isWell(place)), ...this.#places.filter(isWell)];
  }
}

function keyOf({ virtual, real }: Place): string {
  return `${virtualId(virtual)} ${realId(real)}`;
}

function marked({ lastTransition }: RealDocument): string {
  return lastTransition ? `${lastTransition.at} ${lastTransition.event}` : '';
}

/** A line as wide as the screen at most; what steers colours takes no room. */
function cut(line: string, columns: number): string {
  let room = columns;
  return line.replace(/\p{Cc}\[\d+m|./gu, (part) => (part.startsWith('\x1b') || room-- > 0 ? part : ''));
}
