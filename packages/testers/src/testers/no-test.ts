import { defineConstantTester, up } from '../tester.js';
import Type from '../type.js';

export default defineConstantTester({
  name: 'no-test',
  description: 'Tests nothing: its reals are always online.',
  attributes: Type.Object({}),
  verdict: up('not tested'),
});
