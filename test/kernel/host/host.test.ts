import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { shellQuote } from './boot-scripts.js';
import { isNoExec } from './memory-dir.js';
import { allowedProcessors } from './processors.js';

const MOUNTS = `/dev/sda / ext4 rw,noexec 0 0
tmpfs /dev/shm tmpfs rw,nosuid 0 0
shm /dev/shm tmpfs rw,noexec,size=65536k 0 0
tmpfs /tmp tmpfs rw,noexecute 0 0
`;

it.each([
  ['/dev/shm', true],
  ['/dev/shm/deep/folder', true],
  ['/dev/shmoo', true],
  ['/tmp', false],
  ['/var/tmp', true],
])('%s is mounted noexec: %s', (directory, expected) => {
  expect(isNoExec(directory, MOUNTS)).toBe(expected);
});

it.each(['plain', '', "it's", '$HOME `id` "x" \\', 'two\nlines'])('sh gets %j back as one word', (word) => {
  expect(execFileSync('/bin/sh', ['-c', `printf %s ${shellQuote(word)}`], { encoding: 'utf8' })).toBe(word);
});

describe('allowedProcessors', () => {
  it.each([
    ['0-1', [0, 1]],
    ['3', [3]],
    ['0,2-4', [0, 2, 3, 4]],
    ['', []],
  ])('reads %j', (list, expected) => {
    expect(allowedProcessors(`Name:\tnode\nCpus_allowed_list:\t${list}\nMems_allowed:\t1\n`)).toEqual(
      expected,
    );
  });

  it('finds those of this process', () => {
    expect(allowedProcessors().length).toBeGreaterThan(0);
  });
});
