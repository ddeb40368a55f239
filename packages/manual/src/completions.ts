/**
 * What completes command lines in bash and zsh, made of the tables that the programs are declared by. sdctl has scripts of
 * its own, which ask it for the names of virtuals and reals.
 *
 * @module
 */
import { COMMON_OPTIONS, type OptionTable } from '@surealived/shared/command-line';
import { COMMAND_LINE as IPVSSYNC } from 'ipvssync/cli/options';
import { COMMAND_LINE as SUREALIVED } from 'surealived/options';
import { completionScript } from 'surealived/sdctl/completion-script';

const DAEMONS = [SUREALIVED, IPVSSYNC];

/** Files by their paths in the repository, with the names under which shells look for them. */
export function completionFiles(): readonly (readonly [path: string, content: string])[] {
  return [
    ['completions/bash/sdctl', `${completionScript('bash')}\n`],
    ['completions/zsh/_sdctl', `${completionScript('zsh')}\n`],
    ...DAEMONS.flatMap(({ program, options }) => {
      const all = { ...options, ...COMMON_OPTIONS };
      return [
        [`completions/bash/${program}`, bashScript(program, all)],
        [`completions/zsh/_${program}`, zshScript(program, all)],
      ] as const;
    }),
  ];
}

function bashScript(program: string, options: OptionTable): string {
  const words = Object.keys(options).map((name) => `--${name}`);
  return `# completion of ${program} for bash
complete -o default -W '${words.join(' ')}' ${program}
`;
}

function zshScript(program: string, options: OptionTable): string {
  const lines = Object.entries(options).map(([name, option]) => `  ${zshOption(name, option)}`);
  return `#compdef ${program}
# completion of ${program} for zsh
_arguments -s \\
${lines.join(' \\\n')} \\
  '*:file:_files'
`;
}

/** `'(-c --config)'{-c,--config}'[configuration file]:FILE:_files'`; see _arguments in zshcompsys(1). */
function zshOption(name: string, { short, help, value, multiple }: OptionTable[string]): string {
  const forms = short === undefined ? [`--${name}`] : [`-${short}`, `--${name}`];
  const excluded = multiple ? '*' : `(${forms.join(' ')})`;
  const form = forms.length === 1 ? forms[0] : `'{${forms.join(',')}}'`;
  const argument = value === undefined ? '' : `:${value}:_files`;
  return `'${excluded}${form}[${help.replace(/[[\]\\]/g, '\\$&').replaceAll("'", "'\\''")}]${argument}'`;
}
