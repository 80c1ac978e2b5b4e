# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports for what tests start: free now, and of those that the system does not give to connections.

A server that is started anew needs its port again. One that the system may give away as the near
end of a connection can be gone by then: a peer that dials the dead server's own port, from that
very port, even connects to itself.
"""
import random
import socket

RANGE = "/proc/sys/net/ipv4/ip_local_port_range"
LOWEST = 10000


def first_given():
    """The first port that the system gives to connections."""
    with open(RANGE, encoding="ascii") as file:
        return int(file.read().split()[0])


def candidates():
    """Ports in random order, those first that are never a connection's near end."""
    first = first_given()
    quiet, rest = list(range(LOWEST, first)), list(range(max(LOWEST, first), 65536))
    random.shuffle(quiet)
    random.shuffle(rest)
    return quiet + rest


def hold(port, addresses):
    """Sockets that have the port, for TCP and UDP, on all of the addresses; None: somebody else has it."""
    held = []
    try:
        for address in addresses:
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                held.append(socket.socket(socket.AF_INET, kind))
                held[-1].bind((address, port))
    except OSError:
        let_go(held)
        return None
    return held


def let_go(held):
    for each in held:
        each.close()


def free_ports(count, addresses=("127.0.0.1",)):
    """So many ports, all held at once to find them, then let go."""
    ports, all_held = [], []
    for port in candidates():
        if len(ports) == count:
            break
        held = hold(port, addresses)
        if held is not None:
            ports.append(port)
            all_held += held
    let_go(all_held)
    return ports


def free_port(addresses=("127.0.0.1",)):
    return free_ports(1, addresses)[0]
