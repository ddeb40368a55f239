/**
 * What a module of testers is given, so that it need not import anything: it may lie anywhere.
 *
 *     export default ({ defineStreamTester, Type, write, readUpTo, up, down }) => defineStreamTester({ … })
 *
 * @module
 */
import Type from 'typebox';
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

export const MODULE_API = Object.freeze({
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
  Type,
  Flag,
  LineText,
});
export type ModuleApi = typeof MODULE_API;
