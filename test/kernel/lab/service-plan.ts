import type { Random } from './random.js';

const REALS_EACH = 4;
const SCHEDULERS = ['rr', 'wrr', 'lc'];

type Attributes = Readonly<Record<string, string | number>>;

interface VirtualPlan {
  readonly name: string;
  attributes: Attributes;
  /** What this virtual's reals may be forwarded by. */
  readonly methods: readonly string[];
  /** Of each real that it can have; `undefined` of one that has left. */
  readonly reals: (Attributes | undefined)[];
}

/** What a plan is edited by; the tester knows which real may leave, and has weights that nobody had before. */
export interface PlanEditor {
  readonly random: Random;
  readonly mayLeave: (virtual: string, real: string) => boolean;
  readonly nextWeight: () => number;
}

/** A services file that changes: settings and reals do, and virtuals go for ever while others come. */
export class ServicePlan {
  readonly #editor: PlanEditor;
  readonly #virtuals: VirtualPlan[] = [];
  #made = 0;

  constructor(virtualCount: number, editor: PlanEditor) {
    this.#editor = editor;
    for (let i = 0; i < virtualCount; i++) this.#add();
  }

  xml(): string {
    return `<surealived>${this.#virtuals.map(xmlOf).join('\n')}</surealived>`;
  }

  edit(): void {
    const { random } = this.#editor;
    const virtual = random.pick(this.#virtuals);
    const index = Math.floor(random.next() * REALS_EACH);
    const real = virtual.reals[index];
    const edits = [
      () => this.#moveReal(virtual, index),
      () => this.#moveReal(virtual, index),
      () =>
        this.#change(virtual, index, { lthresh: 1 + index, uthresh: 10 + Math.floor(random.next() * 90) }),
      () => this.#change(virtual, index, { rt: random.pick(virtual.methods) }),
      () => this.#reschedule(virtual),
      () => this.#replace(virtual),
    ];
    random.pick(real ? edits : edits.slice(0, 1))();
  }

  #moveReal(virtual: VirtualPlan, index: number): void {
    const isThere = virtual.reals[index] !== undefined;
    if (!isThere) virtual.reals[index] = this.#realOf(virtual, index);
    else if (this.#editor.mayLeave(virtual.name, nameOf(index))) virtual.reals[index] = undefined;
  }

  #change(virtual: VirtualPlan, index: number, attributes: Attributes): void {
    virtual.reals[index] = { ...virtual.reals[index], ...attributes };
  }

  #reschedule(virtual: VirtualPlan): void {
    virtual.attributes = { ...virtual.attributes, sched: this.#editor.random.pick(SCHEDULERS) };
  }

  /** The new one is one that never was before. */
  #replace(virtual: VirtualPlan): void {
    this.#virtuals.splice(this.#virtuals.indexOf(virtual), 1);
    this.#add();
  }

  #add(): void {
    const number = ++this.#made;
    const virtual: VirtualPlan = { name: `v${number}`, ...kindOf(number), reals: [] };
    for (let index = 0; index < REALS_EACH; index++) virtual.reals.push(this.#realOf(virtual, index));
    this.#virtuals.push(virtual);
  }

  #realOf({ name, attributes }: VirtualPlan, index: number): Attributes {
    const number = Number(name.slice(1));
    const isIpv6 = String(attributes.addr).includes(':');
    const addr = isIpv6 ? `fd00:${index + 1}::${number.toString(16)}` : ipv4(100 + index, number);
    return { name: nameOf(index), addr, port: 80, weight: this.#editor.nextWeight() };
  }
}

function kindOf(number: number): Pick<VirtualPlan, 'attributes' | 'methods'> {
  const addr = ipv4(1, number);
  const kinds = [
    {
      attributes: { proto: 'tcp', addr, port: 80, sched: 'wrr', rt: 'masq', drain_timeout: 2 },
      methods: ['masq', 'dr', 'tun'],
    },
    { attributes: { proto: 'tcp', addr, port: 80, sched: 'rr', rt: 'dr', pers: 60 }, methods: ['dr', 'tun'] },
    {
      attributes: { proto: 'udp', addr, port: 80, sched: 'wlc', rt: 'masq', ops: 1 },
      methods: ['masq', 'dr'],
    },
    {
      attributes: { proto: 'tcp', addr: `fd00::${number.toString(16)}`, port: 80, sched: 'rr', rt: 'dr' },
      methods: ['masq', 'dr'],
    },
    { attributes: { proto: 'fwmark', fwmark: number, sched: 'lc', rt: 'masq' }, methods: ['masq', 'dr'] },
  ];
  return kinds[number % kinds.length] as (typeof kinds)[number];
}

function xmlOf({ name, attributes, reals }: VirtualPlan): string {
  const elements = reals.flatMap((real) => (real ? `<real ${xmlAttributes(real)}/>` : []));
  const open = `<virtual ${xmlAttributes({ name, ...attributes })}><tester proto="no-test"/>`;
  return `${open}${elements.join('')}</virtual>`;
}

function xmlAttributes(attributes: Attributes): string {
  return Object.entries(attributes)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ');
}

function nameOf(index: number): string {
  return `r${index}`;
}

function ipv4(second: number, number: number): string {
  return `10.${second}.${number >> 8}.${number & 255}`;
}
