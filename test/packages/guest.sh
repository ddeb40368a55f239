# What the scripts have in common that run in a booted Debian: "step" says what comes, and "fail" ends it with all that is
# known.
set -eu

services=/etc/surealived/services.xml

step() {
  echo "== $(cut -d. -f1 /proc/uptime) s: $*"
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
    [ "$tries" -lt 1200 ] || fail "never so: $*"
    sleep 0.05
  done
}

is_active() {
  systemctl --quiet is-active "$1.service"
}

both_are_active() {
  is_active surealived && is_active ipvssync
}

main_pid() {
  systemctl show --property MainPID --value "$1.service"
}

has_weight() {
  ipvsadm -Sn | grep -q -- "-r 127.0.0.1:80 -g -w $1\$"
}

# write_services WEIGHT [TESTER-ATTRIBUTES]: one virtual with one real, asked by http if nothing else is said.
write_services() {
  cat >$services <<EOS
<surealived>
  <virtual name="www" addr="192.0.2.10" port="80" proto="tcp" sched="wrr" rt="dr">
    <tester loopdelay="0.2" timeout="2" testport="8080" ${2:-proto=\"http\" url=\"/\" host=\"www\"}/>
    <real name="www1" addr="127.0.0.1" port="80" weight="$1"/>
  </virtual>
</surealived>
EOS
}

# The attributes of a tester that uses ping, as a script of "exec" does.
ping_tester() {
  cat >/usr/local/bin/ping-once <<'EOS'
#!/bin/sh
[ "$(nice nice)" = 10 ] && exec ping -c 1 -W 1 "$1"
EOS
  chmod 755 /usr/local/bin/ping-once
  echo 'proto="exec" exec="/usr/local/bin/ping-once"'
}
