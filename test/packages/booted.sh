#!/bin/sh
# Runs in a booted Debian that has the package: its services as users have them, with the IPVS table of that kernel.
set -eu

services=/etc/surealived/services.xml
deb=$1

step() {
  echo "== $*"
}

fail() {
  echo "FAILED: $*"
  systemctl --no-pager --full status surealived.service ipvssync.service || true
  journalctl --no-pager -n 60 || true
  ipvsadm -Sn || true
  exit 1
}

# Waits until a command succeeds.
until_so() {
  tries=0
  until "$@"; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] || fail "never so: $*"
    sleep 0.05
  done
}

has_weight() {
  ipvsadm -Sn | grep -q -- "-r 127.0.0.1:80 -g -w $1\$"
}

both_are_active() {
  systemctl --quiet is-active surealived.service && systemctl --quiet is-active ipvssync.service
}

main_pid() {
  systemctl show --property MainPID --value "$1.service"
}

main_pids() {
  echo "$(main_pid surealived) $(main_pid ipvssync)"
}

status_of() {
  sed -n "s/^$2:\t//p" "/proc/$(main_pid "$1")/status"
}

write_services() {
  cat >$services <<EOF
<surealived>
  <virtual name="www" addr="192.0.2.10" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester proto="http" testport="8080" url="/" host="www" loopdelay="0.2" timeout="2"/>
    <real name="www1" addr="127.0.0.1" port="80" weight="$1"/>
  </virtual>
</surealived>
EOF
}

start_web() {
  systemd-run --quiet --unit=web node -e 'require("http").createServer((_, answer) => answer.end("ok")).listen(8080)'
}

step 'both run after the boot, and leave an empty table alone'
both_are_active || fail 'not active after the boot'
[ -z "$(ipvsadm -Sn)" ] || fail 'the table is not empty'

step 'surealived has no privilege, ipvssync has CAP_NET_ADMIN'
[ "$(status_of surealived CapBnd)" = 0000000000000000 ] || fail 'surealived has capabilities'
[ "$(status_of ipvssync CapEff)" = 0000000000001000 ] || fail 'ipvssync has other capabilities'
[ "$(status_of ipvssync CapBnd)" = 0000000000001000 ] || fail 'ipvssync may get other capabilities'
for name in surealived ipvssync; do
  [ "$(stat -c %U "/proc/$(main_pid $name)")" = $name ] || fail "$name runs as somebody else"
  [ "$(status_of $name NoNewPrivs)" = 1 ] || fail "$name may get privileges"
  [ "$(status_of $name Seccomp)" = 2 ] || fail "$name may call everything"
done

step 'a reload puts a healthy real into the table, and a failure takes its weight'
start_web
write_services 10
systemctl reload surealived
until_so has_weight 10
systemctl stop web
until_so has_weight 0
start_web
until_so has_weight 10
ipvssync --status >/dev/null || fail 'not as desired'

step 'a reload of broken files fails, and changes nothing'
pids=$(main_pids)
echo '<surealived><virtual' >$services
if systemctl reload surealived; then fail 'reloaded a broken file'; fi
both_are_active || fail 'a broken file has stopped a service'
[ "$(main_pids)" = "$pids" ] || fail 'a broken file has restarted a service'

step 'an upgrade with broken files goes through, and restarts nothing'
dpkg -i "$deb" 2>&1 | grep 'has to be mended' || fail 'nothing was said'
[ "$(main_pids)" = "$pids" ] || fail 'restarted with a broken file'

step 'an upgrade restarts both, and the table is never empty meanwhile'
write_services 10
(while [ -e "/proc/$$" ]; do has_weight 10 || echo missing >>/tmp/missing; done) &
watch=$!
dpkg -i "$deb" >/dev/null 2>&1
until_so both_are_active
for name in surealived ipvssync; do
  case " $pids " in *" $(main_pid $name) "*) fail "$name was not restarted" ;; esac
done
until_so ipvssync --status >/dev/null
kill $watch
[ ! -e /tmp/missing ] || fail 'the real was out of the table'

step 'who gives no sign of life is started again'
mkdir -p /etc/systemd/system/ipvssync.service.d
printf '[Service]\nWatchdogSec=2\n' >/etc/systemd/system/ipvssync.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart ipvssync
pid=$(main_pid ipvssync)
kill -STOP "$pid"
until_so test ! -e "/proc/$pid"
until_so both_are_active
has_weight 10 || fail 'the table was changed'

step 'logs are rotated'
echo line >/var/log/surealived/surealived.log
chown surealived:surealived /var/log/surealived/surealived.log
logrotate --force /etc/logrotate.d/surealived
[ -e /var/log/surealived/surealived.log.1 ] || fail 'not rotated'
both_are_active || fail 'the rotation has ended a service'

step 'a purge stops both and leaves the table'
dpkg --purge surealived >/dev/null 2>&1
if systemctl --quiet is-active surealived.service || systemctl --quiet is-active ipvssync.service; then
  fail 'still running'
fi
has_weight 10 || fail 'the purge has changed the table'
echo 'all is well'
