import { FAILURE_REASONS, type Tester } from './tester.js';

/** The function that each kind of tester is about. */
const FUNCTIONS = { stream: 'probe', datagram: 'exchange', task: 'check', constant: undefined };
export const TESTER_NAME = /^[a-z][a-z0-9-]{0,30}$/;

type Fields = Readonly<Record<string, unknown>>;

/**
 * What a value lacks to be a tester, each in a few words.
 *
 * @returns Nothing when it is one, as far as can be seen without running it.
 */
export function findShapeFaults(value: unknown): readonly string[] {
  if (!isRecord(value)) return ['expected a tester, as one of the define…Tester functions makes it'];
  const { kind, name, description, attributes, shareable, findFault } = value;
  return [
    ...(typeof name === 'string' && TESTER_NAME.test(name)
      ? []
      : ['name: expected small letters, digits and hyphens']),
    ...(isText(description) ? [] : ['description: expected a sentence']),
    ...kindFaults(kind, value),
    ...attributeFaults(attributes),
    ...(shareable === undefined || typeof shareable === 'boolean'
      ? []
      : ['shareable: expected true or false, or none']),
    ...(findFault === undefined || typeof findFault === 'function'
      ? []
      : ['findFault: expected a function, or none']),
  ];
}

function kindFaults(kind: unknown, tester: Fields): readonly string[] {
  if (typeof kind !== 'string' || !Object.hasOwn(FUNCTIONS, kind)) {
    return [`kind: expected one of ${Object.keys(FUNCTIONS).join(', ')}`];
  }
  const name = FUNCTIONS[kind as Tester['kind']];
  if (name !== undefined) return functionFaults(name, tester[name], kind === 'task');
  const { verdict } = tester;
  const isVerdict = isRecord(verdict) && isText(verdict.detail) && (verdict.up === true || isDown(verdict));
  return isVerdict ? [] : ['verdict: expected up(…) or down(…)'];
}

/** The engine waits for tasks alone: what another tester promises would be lost, and what it throws then end the program. */
function functionFaults(name: string, value: unknown, mayBeAsync: boolean): readonly string[] {
  if (typeof value !== 'function') return [`${name}: expected a function`];
  const isAsync = Object.prototype.toString.call(value).startsWith('[object Async');
  return isAsync && !mayBeAsync ? [`${name}: expected a function that is not async`] : [];
}

function isDown({ up, reason }: Fields): boolean {
  return up === false && FAILURE_REASONS.some((known) => known === reason);
}

function attributeFaults(attributes: unknown): readonly string[] {
  if (!isRecord(attributes) || !isRecord(attributes.properties)) {
    return ['attributes: expected Type.Object({ … })'];
  }
  const required = Array.isArray(attributes.required) ? attributes.required : [];
  return Object.entries(attributes.properties).flatMap(([name, schema]) => {
    if (!isRecord(schema)) return [`attribute ${name}: expected a schema`];
    return [
      ...(isText(schema.description) ? [] : [`attribute ${name}: has no description`]),
      ...(required.includes(name) || schema.default !== undefined
        ? []
        : [`attribute ${name}: is neither mandatory nor has a default`]),
    ];
  });
}

function isRecord(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}
