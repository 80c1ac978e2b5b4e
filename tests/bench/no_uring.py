#!/usr/bin/python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""no_uring.py COMMAND... - runs it as on a system that forbids io_uring: io_uring_setup answers EPERM,
by a filter of system calls, which all its children have as well."""
import ctypes
import os
import struct
import sys

PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, SECCOMP_MODE_FILTER = 22, 38, 2
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, ERROR = 0x7FFF0000, 0x00050000
EPERM = 1
IO_URING_SETUP = 425 # on every architecture


class Program(ctypes.Structure):
    _fields_ = [("count", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def forbid():
    code = [(LOAD_WORD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, IO_URING_SETUP), (RETURN, 0, 0, ERROR | EPERM), (RETURN, 0, 0, ALLOW)]
    program = Program(len(code), b"".join(struct.pack("HBBI", *c) for c in code))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 or libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, ctypes.byref(program), 0, 0) != 0:
        sys.exit(f"no_uring.py: no filter: {os.strerror(ctypes.get_errno())}")


forbid()
os.execvp(sys.argv[1], sys.argv[1:])
