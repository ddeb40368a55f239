#!/bin/sh
# Called by surealived with one argument each, such as
#   notify=DOWN vname=www vaddr=192.0.2.10 vport=80 vproto=tcp vfwmark=0
# and, where it is about a real, also rname=www1 raddr=10.0.0.11 rport=80.
# Its output goes nowhere; a status other than 0 is told to surealived's log.
for argument in "$@"; do
    case $argument in
        notify=*) state=${argument#notify=} ;;
        vname=*) virtual=${argument#vname=} ;;
        rname=*) real=${argument#rname=} ;;
    esac
done
logger -t surealived-notify "$virtual${real:+ $real} is $state"
