#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# packaging/setup.sh [--build] - what building and testing needs beyond a bare Debian 12 with gcc,
# make and git. As root it installs what is missing; else it prints the one line to run.
# Name servers are among them, for the tests, which start instances of their own on high ports; where
# services run, Debian starts its own as well: disable them.
# --build: only what building and the demo need.
set -u
build="gcc make libc6-dev pkg-config libevent-dev liblmdb-dev libsodium-dev libmsgpack-dev
       libknot-dev libjansson-dev libyaml-dev liburing-dev nettle-dev"
test="bind9-utils knot-dnssecutils libcriterion-dev g++ clang clang-format libclang-rt-14-dev spin graphviz python3 python3-msgpack asciinema gzip iproute2 nftables e2fsprogs mount gnuplot-nox"
test="$test git gpg gpg-agent gpgconf opensc softhsm2 xxd python3-cryptography python3-dnspython knot knot-dnsutils nsd bind9 bind9-dnsutils pdns-server pdns-backend-sqlite3 ldnsutils dnsperf"
wanted="$build"
[ "${1:-}" = --build ] || wanted="$wanted $test"
missing=
for package in $wanted; do
    state=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || state=
    [ "$state" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" -ne 0 ]; then
    echo "These Debian packages are missing; run this as root, then try again:" >&2
    echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
    echo "apt-get could not install:$missing" >&2
    exit 1
}
