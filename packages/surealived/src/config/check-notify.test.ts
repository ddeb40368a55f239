import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { TesterRegistry } from '@surealived/testers/registry';
import { expect, it } from 'vitest';
import { temporaryDirectory } from '../../../shared/src/files.test-kit.js';
import { loadServices } from './load.js';

function warningsOf(attributes: string): readonly string[] {
  const file = join(temporaryDirectory(), 'services.xml');
  writeFileSync(
    file,
    `<surealived><virtual name="web" addr="192.0.2.1" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester proto="tcp" testport="80" ${attributes}/>
    <real name="w1" addr="10.0.0.11" port="80" weight="10"/></virtual></surealived>`,
  );
  return loadServices(file, { registry: new TesterRegistry() }).warnings.map(({ message }) => message);
}

const at = 'virtual "web" > tester';

it.each([
  ['', []],
  ['notify_up="/bin/true" notify_down="/bin/true" notify_min_weight="50%"', []],
  ['notify_up="along-path"', []],
  ['real_notify_down="/bin/true"', []],
  [
    'notify_down="/bin/true"',
    ['attribute "notify_down": never runs without notify_min_reals or notify_min_weight'],
  ],
  [
    'real_notify_up="/bin/true" notify_min_reals="1"',
    ['attribute "notify_min_reals": has no effect without notify_up or notify_down'],
  ],
  ['notify_up="/nonexistent/up"', ['attribute "notify_up": /nonexistent/up cannot be run: ENOENT']],
  ['real_notify_up="/usr/bin"', ['attribute "real_notify_up": /usr/bin is no program']],
  [
    'notify_down="/etc/passwd" notify_min_reals="1" real_notify_down="/nonexistent/down"',
    [
      'attribute "notify_down": /etc/passwd cannot be run: EACCES',
      'attribute "real_notify_down": /nonexistent/down cannot be run: ENOENT',
    ],
  ],
])('a tester with %s gets its warnings', (attributes, warnings) => {
  const found = warningsOf(attributes);
  expect(found).toHaveLength(warnings.length);
  for (const [index, warning] of warnings.entries()) {
    expect(found[index]).toContain(warning);
    expect(found[index]).toContain(at);
  }
});
