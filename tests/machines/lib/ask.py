#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""ask.py SOCKET SECONDS COMMAND: runs COMMAND (a line for bash) in the machine behind SOCKET.

Waits until its agent answers, prints what the command printed, and ends as it ended; 75 when the
machine did not answer within SECONDS (it is off, boots, or was reset meanwhile).
"""
import base64
import os
import socket
import sys
import time

NO_ANSWER = 75


def connect(path, end):
    while time.monotonic() < end:
        s = socket.socket(socket.AF_UNIX)
        try:
            s.connect(path)
            return s
        except OSError:
            s.close()
            time.sleep(0.1)
    sys.exit(NO_ANSWER)


class Line:
    """The line to the agent; one that was reset leaves halves of answers in it, which are dropped."""

    def __init__(self, sock):
        self.sock, self.rest = sock, b""

    def say(self, *words):
        self.sock.sendall(b"\n" + b" ".join(words) + b"\n")

    def answer(self, ident, end):
        while time.monotonic() < end:
            while b"\n" in self.rest:
                line, self.rest = self.rest.split(b"\n", 1)
                words = line.split(b" ")
                if words[0] == ident:
                    return words[1:]
            self.sock.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self.sock.recv(65536)
            except socket.timeout:
                continue
            if not data:
                sys.exit(NO_ANSWER)
            self.rest += data
        return None


def main():
    path, seconds, command = sys.argv[1], float(sys.argv[2]), sys.argv[3]
    end = time.monotonic() + seconds
    line = Line(connect(path, end))
    n = 0
    ident = b"q%d-%d" % (os.getpid(), time.time_ns())
    while True:
        n += 1
        ping = ident + b".%d" % n
        try:
            line.say(ping, b"ping")
        except OSError:
            sys.exit(NO_ANSWER)
        if line.answer(ping, min(end, time.monotonic() + 2)):
            break
        if time.monotonic() >= end:
            sys.exit(NO_ANSWER)
    left = max(1, int(end - time.monotonic()))
    line.say(ident, b"%d" % left, base64.b64encode(command.encode()))
    words = line.answer(ident, end + 2)
    if words is None:
        sys.exit(NO_ANSWER)
    sys.stdout.buffer.write(base64.b64decode(words[1]) if len(words) > 1 else b"")
    sys.stdout.flush()
    sys.exit(int(words[0]))


main()
