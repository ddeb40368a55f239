import { describe, expect, it } from 'vitest';
import { parseInline, parseMarkup } from './markup.js';
import { printPage } from './roff.js';

const head = { name: 'x', section: 8, date: '2026-11-21', source: 'x 1', manual: 'Tests' };

/** The body of a page, without what every page begins with. */
function print(markup: string): string {
  return printPage(
    head,
    parseMarkup(markup, () => []),
  )
    .split('\n')
    .slice(4)
    .join('\n');
}

describe('a page', () => {
  it('begins with its title', () => {
    const [comment, title] = printPage({ ...head, source: 'a "b" c-d' }, []).split('\n');
    expect(comment).toMatch(/^\.\\"/);
    expect(title).toBe(String.raw`.TH "X" 8 "2026-11-21" "a \(dqb\(dq c\-d" "Tests"`);
  });

  it.each([
    ['a heading and the text below it', '# ONE\n\nfirst\n\nsecond', '.SH "ONE"\nfirst\n.PP\nsecond\n'],
    [
      'marks',
      '`-a`, *B* and surealived.cfg(5)',
      '.PP\n\\fB\\-a\\fR, \\fIB\\fR and \\fBsurealived.cfg\\fR(5)\n',
    ],
    ['sentences', 'One two. Three\nfour. `five` six.', '.PP\nOne two.\nThree four.\n\\fBfive\\fR six.\n'],
    ['definitions', '`a`\n: One,\ntwo\n\n`b`\n: Two', '.TP\n\\fBa\\fR\nOne, two\n.TP\n\\fBb\\fR\nTwo\n'],
    ['bullets', '- one\n  more\n- two', '.IP \\(bu 2\none more\n.IP \\(bu 2\ntwo\n'],
    ['code', "    a 'b'\n\n    .c \\d", '.PP\n.RS 4\n.EX\na \\(aqb\\(aq\n\n\\&.c \\ed\n.EE\n.RE\n.nh\n'],
    ['requests in the text', '.SH is text', '.PP\n\\&.SH is text\n'],
    ['other characters', 'a…b ~^`', '.PP\na\\[u2026]b \\(ti\\(ha\\(ga\n'],
  ])('prints %s', (_what, markup, roff) => {
    expect(print(markup)).toBe(roff);
  });

  it('divides long lines at spaces only', () => {
    const lines = print('word '.repeat(100)).trimEnd().split('\n');
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
    expect(lines.slice(1).join(' ')).toBe('word '.repeat(100).trimEnd());
  });
});

it('an insert stands where its name does', () => {
  const blocks = parseMarkup('# A\n\n{{x y}}\n\nend', (name) => [{ kind: 'code', lines: [name] }]);
  expect(blocks.map(({ kind }) => kind)).toEqual(['section', 'code', 'paragraph']);
});

it('marks do not reach into each other', () => {
  expect(parseInline('`a*b` * c*')).toEqual([
    { kind: 'literal', text: 'a*b' },
    { kind: 'text', text: ' * c*' },
  ]);
});
