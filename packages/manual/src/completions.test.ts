import { fileURLToPath } from 'node:url';
import { describe, expect } from 'vitest';
import { itWith, run } from './tools.test-kit.js';

const folder = fileURLToPath(new URL('../../../completions', import.meta.url));

describe('in bash', () => {
  itWith('bash', 'bash').each([
    ['surealived', '--st', '--strict\n'],
    ['ipvssync', '--max', '--max-deletes\n'],
    ['ipvssync', '--del', '--del-unmanaged\n--del-umanaged\n'],
  ])('%s %s is completed', (program, word, words) => {
    const script = `source ${folder}/bash/${program}; eval "compgen $(complete -p ${program} | cut -d ' ' -f 2- | sed 's/ [a-z]*$//') -- ${word}"`;
    expect(run('bash', ['-c', script]).stdout).toBe(words);
  });
});

describe('in zsh', () => {
  itWith('zsh', 'zsh').each(['surealived', 'ipvssync', 'sdctl'])('the script of %s is found', (program) => {
    const script = `fpath=(${folder}/zsh $fpath); autoload -Uz compinit; compinit -u -D; print $_comps[${program}]; autoload +X _${program} && print loaded`;
    expect(run('zsh', ['-f', '-c', script]).stdout).toBe(`_${program}\nloaded\n`);
  });
});
