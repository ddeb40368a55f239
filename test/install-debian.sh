#!/bin/sh
# Installs what the tests that use real servers or a real kernel need on Debian 12 or newer. Run as root or through sudo.
# Starts no service, leaves none enabled that was not before, and does nothing when all is there.
set -eu

packages='user-mode-linux kmod iproute2 ipvsadm nginx-light nftables curl netcat-openbsd
  openssl nsd openssh-server vsftpd socat man-db mandoc libxml2-utils keepalived ldirectord
  debhelper lintian debootstrap systemd file zsh'
guard=/usr/sbin/policy-rc.d

is_installed() {
  [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

# Debian starts a service right after its installation unless this program forbids it with status 101.
# One that is there already belongs to the machine: it stays in force and in place.
forbid_services() {
  [ -e "$guard" ] || [ -L "$guard" ] && return
  trap 'rm -f "$guard"' EXIT
  trap 'exit 1' HUP INT TERM
  printf '#!/bin/sh\nexit 101\n' >"$guard"
  chmod 755 "$guard"
}

# Units that the machine would start at its next boot.
enabled_services() {
  find /etc/systemd/system -path '*.wants/*.service' -exec basename {} \; 2>/dev/null | sort -u
}

# What the installation of a package enables, whether it may start or not.
disable_new_services() {
  command -v systemctl >/dev/null || return 0
  for service in $(enabled_services); do
    echo "$1" | grep -qxF "$service" || systemctl --quiet disable "$service"
  done
}

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  echo "$0: apt-get is needed: this script is for Debian; the packages are: $packages" >&2
  exit 1
fi

missing=
for package in $packages; do
  is_installed "$package" || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ]; then
  echo "$0: root is needed to install:$missing; run it with sudo" >&2
  exit 1
fi

forbid_services
enabled=$(enabled_services)
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
# shellcheck disable=SC2086 # a list of package names, to be split
apt-get install -q -y --no-install-recommends $missing
disable_new_services "$enabled"
