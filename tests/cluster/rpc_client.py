# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that nobody here wrote: Debian's python3-msgpack over plain sockets."""
import socket

import msgpack

from harness import check


class Client:
    def __init__(self, where):
        if where.startswith("/"):
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.connect(where)
        else:
            host, port = where.rsplit(":", 1)
            self.socket = socket.create_connection((host, int(port)))
        self.socket.settimeout(20)
        self.unpacker = msgpack.Unpacker(raw=False, strict_map_key=True)
        self.next_id = 0
        self.notes = []

    def send(self, data):
        self.socket.sendall(data)

    def receive(self):
        """The next object; None when the connection is closed."""
        while True:
            for message in self.unpacker:
                return message
            try:
                data = self.socket.recv(65536)
            except ConnectionResetError:
                return None
            if not data:
                return None
            self.unpacker.feed(data)

    def answer(self, msgid):
        while True:
            message = self.receive()
            check(message is not None, "the connection was closed instead of an answer")
            if message[0] == 2:
                self.notes.append(message)
                continue
            check(message[0] == 1 and message[1] == msgid, f"answer to {msgid}: {message!r}")
            return message[2], message[3]

    def call(self, method, *params):
        self.next_id += 1
        self.send(msgpack.packb([0, self.next_id, method, list(params)]))
        return self.answer(self.next_id)

    def good(self, method, *params):
        error, result = self.call(method, *params)
        check(error is None, f"{method}{params}: {error}")
        return result

    def bad(self, code, method, *params):
        error, result = self.call(method, *params)
        check(isinstance(error, str) and error.split(":")[0].split(" ")[0] == code and result is None,
              f"{method}{params!r}: {error!r}, not {code}")
        return error

    def close(self):
        self.socket.close()
