#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""read.py ENDPOINT ZONE [OWNER TYPE] - reads a zone with nothing but a MessagePack library.

The protocol is MessagePack-RPC (docs/protocol.md): request [0, id, method, params], answer
[1, id, error, result]. Debian: python3-msgpack.
"""
import socket
import sys

import msgpack


def calls(connection):
    """Gives a function that calls a method and waits for its answer."""
    unpacker = msgpack.Unpacker(raw=False)
    number = 0

    def call(method, *params):
        nonlocal number
        number += 1
        connection.sendall(msgpack.packb([0, number, method, list(params)]))
        while True:
            for kind, *rest in unpacker:
                if kind == 1 and rest[0] == number:
                    if rest[1] is not None:
                        sys.exit(f"{method}: {rest[1]}")
                    return rest[2]
            data = connection.recv(65536)
            if not data:
                sys.exit("the replica closed the connection")
            unpacker.feed(data)

    return call


def pages(call, zone):
    """All record sets of a zone, as of the slot of the first page."""
    page = call("rrset.list", zone)
    while True:
        yield from page["rrsets"]
        if page["next"] is None:
            return
        page = call("rrset.list", zone, {"after": page["next"], "at_slot": page["slot"]})


def main():
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__.splitlines()[0])
    host, port = sys.argv[1].rsplit(":", 1)
    call = calls(socket.create_connection((host, int(port)), timeout=10))
    if len(sys.argv) == 5:
        found = call("rrset.get", *sys.argv[2:])["rrset"]
        sets = [] if found is None else [found]
    else:
        sets = pages(call, sys.argv[2])
    for rrset in sets:
        for rdata in rrset["rdata"]:
            print(rrset["owner"], rrset["ttl"], "IN", rrset["type"], rdata)


main()
