/**
 * What a module of testers is given, so that it need not import anything: it may lie anywhere.
 *
 *     export default ({ defineStreamTester, Type, write, readUpTo, up, down }) => defineStreamTester({ … })
 *
 * @module
 */
import type TypeBox from 'typebox';
import { Flag, LineText } from './attributes.js';
import { drain, MAX_READ_BYTES, read, readUpTo, write } from './requests.js';
import {
  defineConstantTester,
  defineDatagramTester,
  defineStreamTester,
  defineTaskTester,
  down,
  ObstacleError,
  up,
} from './tester.js';

const API = {
  defineStreamTester,
  defineDatagramTester,
  defineTaskTester,
  defineConstantTester,
  write,
  read,
  readUpTo,
  drain,
  MAX_READ_BYTES,
  up,
  down,
  ObstacleError,
  Flag,
  LineText,
};

export type ModuleApi = Readonly<typeof API & { readonly Type: typeof TypeBox }>;

/** Loads TypeBox, which nobody else needs. */
export async function loadModuleApi(): Promise<ModuleApi> {
  const { default: Type } = await import('typebox');
  return Object.freeze({ ...API, Type });
}
