#!/bin/bash
# Used by exec.xml: check-smtp.sh ADDRESS PORT NAME. Success is a mail server that answers our greeting. Each line is sent
# in its turn: a mail server sends away who talks before it has answered.
# What it prints is kept: `sdctl history` shows it.
exec 2>&1
exec 3<>"/dev/tcp/$1/$2" || exit 1

# Reads an answer to its last line, which has a space after the code where the others have a hyphen.
expect() {
  while IFS= read -r -n 1000 -u 3 line; do
    echo "${line%$'\r'}"
    case $line in
      "$1-"*) ;;
      "$1 "*) return ;;
      *) exit 1 ;;
    esac
  done
  echo "no answer $1"
  exit 1
}

expect 220
printf 'EHLO %s\r\n' "$3" >&3
expect 250
printf 'QUIT\r\n' >&3
