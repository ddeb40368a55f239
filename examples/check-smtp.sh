#!/bin/sh
# Used by exec.xml: check-smtp.sh ADDRESS PORT NAME. Success is a mail server that answers our greeting.
# What it prints is kept: `sdctl history` shows it.
exec 2>&1
answer=$(printf 'EHLO %s\r\nQUIT\r\n' "$3" | nc -w 5 "$1" "$2") || { echo "no connection to $1 port $2"; exit 1; }
echo "$answer"
case $answer in
  220*250*) exit 0 ;;
  *) exit 1 ;;
esac
