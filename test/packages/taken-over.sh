#!/bin/sh
# taken-over.sh OURS ORIGINAL: runs in a booted Debian that has SureAliveD, which systemd has started, and puts ours in its
# place, once with a configuration that is good, and once with one that has to be mended first.
. /root/guest.sh
ours=$1
original=$2
cfg=/etc/surealived/surealived.cfg

# The files of those that run: of SureAliveD's they are its own, replaced or not.
running() {
  for exe in /proc/[0-9]*/exe; do readlink "$exe" || true; done | grep -E '^/usr/(bin/surealived|sbin/ipvssync)' | sort
}

is_ours_alone() {
  both_are_active || fail 'ours do not run'
  [ -z "$(running)" ] || fail 'SureAliveD runs still'
  until_so has_weight 10
  tr '\0' ' ' <"/proc/$(main_pid ipvssync)/cmdline" | grep -q -- '-u ' || fail 'ipvssync has lost the option -u'
  grep -q 'listen_port 4242' $cfg || fail 'surealived.cfg is another'
}

step 'SureAliveD was started at boot'
[ "$(running | tr '\n' ' ')" = '/usr/bin/surealived /usr/sbin/ipvssync ' ] || fail 'it was not'
write_services 10 "$(ping_tester)"
chmod 600 $services

step 'ours take its place'
dpkg -i "$ours" >/tmp/said 2>&1 || fail "$(cat /tmp/said)"
is_ours_alone
! journalctl --quiet --output=cat --unit=surealived | grep 'real offline' || fail 'a healthy real was taken offline'
grep -q '^AUTOSTART=true' /etc/default/surealived || fail 'they would not start at boot, where SureAliveD did'

step 'SureAliveD goes on where the configuration would not do for the services'
dpkg --purge surealived >/dev/null 2>&1
dpkg -i "$original" >/dev/null 2>&1
for name in surealived-check surealived-ipvssync; do
  systemctl daemon-reload
  systemctl start $name
done
mkdir -p /etc/surealived
mkdir -m 777 /srv/handover
echo 'full_sync_file /srv/handover/ipvsfull.cfg' >>$cfg
write_services 10 'proto="no-test"'
dpkg -i "$ours" >/tmp/said 2>&1 || fail "$(cat /tmp/said)"
grep -q "the hand-over cannot be written: EROFS: .*'/srv/handover/\.'" /tmp/said || fail "said: $(cat /tmp/said)"
! is_active surealived && ! is_active ipvssync || fail 'ours were started'
[ "$(running | wc -l)" = 2 ] || fail 'SureAliveD was ended'

step 'ours end it when they are started'
sed -i /full_sync_file/d $cfg
systemctl restart surealived ipvssync
is_ours_alone
echo 'all is well'
