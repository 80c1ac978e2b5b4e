#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks a name server every 10 ms until it is told to end (SIGTERM), or has so many answers; then says what it saw.

    probe.py ADDRESS PORT [--answers N] NAME/TYPE...        types A and AAAA, the names in turn

Prints "asked N, answered M, empty K"; an answer without a record of the type, or with an error, is empty. A line for
each empty one goes to stderr. No packages are needed.
"""
import random
import signal
import socket
import struct
import sys
import time

TYPES = {"A": 1, "AAAA": 28}


def question(number, name, kind):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.rstrip(".").split(".")) + b"\0"
    return struct.pack("!6H", number, 0, 1, 0, 0, 0) + labels + struct.pack("!2H", TYPES[kind], 1)


def main(address, port, *sets):
    enough = None
    if sets[0] == "--answers":
        enough, sets = int(sets[1]), sets[2:]
    going = [True]
    signal.signal(signal.SIGTERM, lambda *_: going.clear())
    asked = answered = empty = 0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.connect((address, int(port)))
        sock.settimeout(1)
        while going and answered != enough:
            name, kind = sets[asked % len(sets)].rsplit("/", 1)
            number = random.randrange(65536)
            asked += 1
            try:
                sock.send(question(number, name, kind))
                while struct.unpack("!H", (answer := sock.recv(4096))[:2])[0] != number:
                    pass
            except OSError:
                time.sleep(0.01)
                continue  # no answer is no empty answer
            answered += 1
            if answer[3] & 15 != 0 or struct.unpack("!H", answer[6:8])[0] == 0:
                empty += 1
                print(f"EMPTY {name} {kind}", file=sys.stderr)
            time.sleep(0.01)
    print(f"asked {asked}, answered {answered}, empty {empty}")


if __name__ == "__main__":
    main(*sys.argv[1:])
