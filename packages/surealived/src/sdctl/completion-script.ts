/**
 * Scripts that have a shell ask sdctl itself for completions.
 *
 * @module
 */
export const COMPLETION_SHELLS = ['bash', 'zsh'] as const;

/** Bash takes a colon for the end of a word, so what stands before it must not come again. */
const BASH = `# completion of sdctl for bash: source <(sdctl completion bash)
_sdctl() {
  local line=\${COMP_LINE:0:COMP_POINT} words current reply prefix=
  read -ra words <<<"$line"
  [[ $line == *[[:space:]] ]] && words+=("")
  current=\${words[-1]}
  case \${words[-2]} in
    -c | --config | --socket) compopt -o default; return ;;
  esac
  [[ $COMP_WORDBREAKS == *:* && $current == *:* ]] && prefix=\${current%"\${current##*:}"}
  mapfile -t reply < <("\${words[0]}" __complete "\${words[@]:1}" 2>/dev/null)
  COMPREPLY=("\${reply[@]#"$prefix"}")
}
complete -F _sdctl sdctl`;

const ZSH = `#compdef sdctl
# completion of sdctl for zsh: source <(sdctl completion zsh)
_sdctl() {
  local -a reply
  case \${words[CURRENT-1]} in
    -c|--config|--socket) _files; return ;;
  esac
  reply=("\${(@f)$("\${words[1]}" __complete "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  compadd -a reply
}
if [[ $funcstack[1] == _sdctl ]]; then _sdctl; else compdef _sdctl sdctl; fi`;

/** @returns `undefined` for a shell that there is none for. */
export function completionScript(shell: string): string | undefined {
  if (shell === 'bash') return BASH;
  return shell === 'zsh' ? ZSH : undefined;
}
