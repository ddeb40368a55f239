#!/bin/sh
# booted.sh OURS NEXT: runs in a booted Debian that has the package OURS, whose next version is NEXT: its services as users
# have them, with the IPVS table of that kernel.
. /root/guest.sh
next=$2

status_of() {
  sed -n "s/^$2:\t//p" "/proc/$(main_pid "$1")/status"
}

main_pids() {
  echo "$(main_pid surealived) $(main_pid ipvssync)"
}

# As the kernel counts them for as long as it has the real; the count is brought up to date every 2 seconds.
has_one_connection() {
  [ "$(ipvsadm -Ln --stats | awk '$2 == "127.0.0.1:80" { print $3 }')" = 1 ]
}

start_web() {
  systemd-run --quiet --unit=web node -e 'require("http").createServer((_, answer) => answer.end("ok")).listen(8080)'
}

step 'both run after the boot, and leave an empty table alone'
both_are_active || fail 'not active after the boot'
[ -z "$(ipvsadm -Sn)" ] || fail 'the table is not empty'

step 'surealived has no privilege, ipvssync has CAP_NET_ADMIN'
systemd-analyze security --no-pager --threshold=15 surealived.service ipvssync.service >/tmp/exposure ||
  fail "more than 1.5: $(cat /tmp/exposure)"
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

step 'the journal has the level and the text of each message'
journalctl --quiet --output=cat --unit=surealived --priority=info | grep -q '^real online virtual=www real=www1 ' ||
  fail 'it has not'
! journalctl --quiet --output=cat --unit=surealived --priority=notice | grep -q '^real online' || fail 'without a level'

step 'programs of tests may use ping and nice'
write_services 20 "$(ping_tester)"
systemctl reload surealived
until_so has_weight 20
sdctl rlist www | grep -q ' up ' || fail 'down'

step 'a program of a notification outlives a restart'
cat >/usr/local/bin/tell <<'EOS'
#!/bin/sh
: >/run/surealived/told
until [ -e /run/surealived/answered ]; do sleep 0.1; done
: >/run/surealived/ended
EOS
chmod 755 /usr/local/bin/tell
write_services 10 'proto="http" url="/" host="www" real_notify_down="/usr/local/bin/tell"'
systemctl reload surealived
until_so has_weight 10
systemctl stop web
until_so test -e /run/surealived/told
systemctl restart surealived
: >/run/surealived/answered
until_so test -e /run/surealived/ended
start_web
write_services 30
systemctl reload surealived
until_so has_weight 30

step 'a reload of broken files fails, and changes nothing'
pids=$(main_pids)
echo '<surealived><virtual' >$services
if systemctl reload surealived; then fail 'reloaded a broken file'; fi
both_are_active || fail 'a broken file has stopped a service'
[ "$(main_pids)" = "$pids" ] || fail 'a broken file has restarted a service'

step 'an upgrade with broken files goes through, and restarts nothing'
dpkg -i "$next" >/tmp/said 2>&1 || fail "it does not: $(cat /tmp/said)"
grep -q 'has to be mended' /tmp/said || fail "said: $(cat /tmp/said)"
[ "$(main_pids)" = "$pids" ] || fail 'restarted with a broken file'

step 'what still runs reads nothing by the files of the next version'
write_services 10
! sdctl reload >/tmp/said 2>&1 || fail 'it has'
grep -q 'has been installed' /tmp/said || fail "$(cat /tmp/said)"
journalctl --quiet --output=cat --unit=surealived --priority=err | grep -q '^reload failed' || fail 'the journal has not'
[ "$(main_pids)" = "$pids" ] || fail 'it is gone'

step 'an upgrade restarts both by their new units, and the table stays as it is meanwhile'
ip address add 192.0.2.10/32 dev lo
node -e 'require("net").connect(80, "192.0.2.10").on("error", () => 0).setTimeout(200, () => process.exit())'
until_so has_one_connection
dpkg -i "$next" >/dev/null 2>&1
until_so both_are_active
for name in surealived ipvssync; do
  case " $pids " in *" $(main_pid $name) "*) fail "$name was not restarted" ;; esac
  [ "$(systemctl show --property=WatchdogUSec --value $name)" = 45s ] || fail "$name has its old unit"
done
until_so ipvssync --status >/dev/null
has_one_connection || fail 'the service or its real was put into the table anew'

step 'an upgrade starts what has failed, and not what was stopped by hand'
mkdir -p /run/systemd/system/surealived.service.d
printf '[Service]\nRestart=no\n' >/run/systemd/system/surealived.service.d/once.conf
systemctl daemon-reload
kill -KILL "$(main_pid surealived)"
until_so systemctl --quiet is-failed surealived
systemctl stop ipvssync
dpkg -i "$next" >/dev/null 2>&1
is_active surealived || fail 'what has failed was not started'
! is_active ipvssync || fail 'what was stopped was started'
rm /run/systemd/system/surealived.service.d/once.conf
systemctl daemon-reload
systemctl start ipvssync

step 'who gives no sign of life is started again'
mkdir -p /etc/systemd/system/ipvssync.service.d
printf '[Service]\nWatchdogSec=2\n' >/etc/systemd/system/ipvssync.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart ipvssync
pid=$(main_pid ipvssync)
sleep 5
[ "$(main_pid ipvssync)" = "$pid" ] || fail 'it gives none'
kill -STOP "$pid"
until_so test ! -e "/proc/$pid"
until_so both_are_active
has_one_connection || fail 'the table was changed'

step 'logs are rotated and written anew, those of daemons too'
mkdir -m 777 /run/second
cat >/etc/surealived/second.cfg <<'EOS'
use_log true
log /var/log/surealived/second.log
pid_file /run/second/pid
listen_port 0
lock_sync_file /run/second/lock
full_sync_file /run/second/full
full_reload_file /run/second/reload
diff_sync_dir /run/second/diffs
offline_dump /run/second/offline
override_dump /run/second/override
notify_dump /run/second/notify
stats_dump /run/second/stats
EOS
runuser -u surealived -- surealived -d -c /etc/surealived/second.cfg $services
stats=/var/log/surealived/stats/sd_fullstats.log
echo 'log_stats_combined true' >>/etc/surealived/surealived.cfg
systemctl restart surealived
until_so test -s $stats
logrotate --force /etc/logrotate.d/surealived || fail 'it complains'
[ -s $stats.1 ] || fail 'not rotated'
until_so test -s $stats
kill -HUP "$(cat /run/second/pid)"
until_so grep -q 'configuration reloaded' /var/log/surealived/second.log
kill -INT "$(cat /run/second/pid)"
until_so test ! -e /run/second/pid
both_are_active || fail 'the rotation has ended a service'

step 'who removes it and installs it again has running services'
dpkg --remove surealived >/dev/null 2>&1
! is_active surealived && ! is_active ipvssync || fail 'still running'
dpkg -i "$next" >/dev/null 2>&1
until_so both_are_active

step 'a purge stops both and leaves the table'
dpkg --purge surealived >/dev/null 2>&1
! is_active surealived && ! is_active ipvssync || fail 'still running'
has_weight 10 || fail 'the purge has changed the table'
echo 'all is well'
