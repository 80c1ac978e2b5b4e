#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# packaging/install.sh DESTDIR PREFIX VERSION - called by `make install`.
set -eu
root=$1$2
version=$3
install -d "$root/bin" "$root/sbin" "$root/lib/pkgconfig" "$root/include/rsm" "$root/share/doc/rsm"
install -m 755 build/rsmd "$root/sbin/"
install -m 755 build/resilience-ctl build/rsm-dump build/rsm-auditor build/rsm-bench "$root/bin/"
install -m 755 packaging/factor-fido2 packaging/factor-pkcs11 "$root/bin/"
install -m 644 build/librsm.a "$root/lib/"
install -m 755 build/librsm.so.0 "$root/lib/"
ln -sf librsm.so.0 "$root/lib/librsm.so"
install -m 644 include/rsm/*.h "$root/include/rsm/"
sed -e "s|@PREFIX@|$2|" -e "s|@VERSION@|$version|" packaging/librsm.pc.in >"$root/lib/pkgconfig/librsm.pc"
install -m 644 packaging/rsmd.conf.example LICENSE CHANGELOG.md "$root/share/doc/rsm/"
