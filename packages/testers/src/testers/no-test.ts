import Type from 'typebox';
import { defineConstantTester, up } from '../tester.js';

export default defineConstantTester({
  name: 'no-test',
  description: 'Tests nothing: its reals are always online.',
  attributes: Type.Object({}),
  verdict: up('not tested'),
});
