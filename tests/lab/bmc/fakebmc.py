#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""fakebmc.py LOG PORT:FAULT[,FAULT]...: BMCs on 127.0.0.1 that fail in ways that ipmi_sim cannot.

IPMI 2.0 (RMCP+), cipher suites 17 and 3, user "admin" with password "labsecret". Every port is a BMC
of its own, on at first; orders it carries out are lines "PORT off" in LOG. "ready" is printed when
all listen. Faults:

  suites=17+3       those that it knows (both); others are refused in the open session response
  STAGE=mute        no answer to it, nor to anything later
  STAGE=late:SEC    SEC seconds late, answers nothing meanwhile
  STAGE=junk        an answer of the right kind whose body is random
  STAGE=short       an answer cut after its first bytes
  STAGE=cc:N        completion code N (commands); STAGE=status:N the same for the opening's own
  noise             random bytes to everything
  power=N           the power state's byte of chassis status is N
  lie               accepts off, does nothing
  key=bad           the BMC's own proof that it knows the password is wrong
  drop=N            the session is forgotten after N commands

STAGE: auth open rakp1 rakp3 priv status control guid (requests).
"""
import hashlib
import hmac
import os
import socket
import struct
import sys
import threading
import time

USER, PASSWORD = b"admin", b"labsecret"
GUID = bytes(range(16))
SUITES = {3: (hashlib.sha1, 12, (1, 1, 1)), 17: (hashlib.sha256, 16, (3, 4, 1))}
COMMANDS = {(6, 0x38): "auth", (6, 0x3B): "priv", (0, 1): "status", (0, 2): "control",
            (6, 0x37): "guid", (6, 0x3C): "close"}


def _tables():
    box, p, q = [0] * 256, 1, 1
    while True:
        p = p ^ (p << 1) & 0xFF ^ (0x1B if p & 0x80 else 0)
        q ^= q << 1
        q ^= q << 2
        q ^= q << 4
        q &= 0xFF
        q ^= 0x09 if q & 0x80 else 0
        x = q
        for n in 1, 2, 3, 4:
            x ^= (q << n | q >> (8 - n)) & 0xFF
        box[p] = x ^ 0x63
        if p == 1:
            break
    box[0] = 0x63
    return box


SBOX = _tables()
UNBOX = [SBOX.index(i) for i in range(256)]


def times(a, b):
    r = 0
    while b:
        r ^= a if b & 1 else 0
        a = a << 1 ^ (0x11B if a & 0x80 else 0)
        b >>= 1
    return r


class Aes:
    """AES-128, as slow as it may be here."""

    def __init__(self, key):
        w = [list(key[i:i + 4]) for i in range(0, 16, 4)]
        rcon = 1
        for i in range(4, 44):
            t = list(w[i - 1])
            if i % 4 == 0:
                t = [SBOX[b] for b in t[1:] + t[:1]]
                t[0] ^= rcon
                rcon = times(rcon, 2)
            w.append([a ^ b for a, b in zip(w[i - 4], t)])
        self.keys = [sum(w[i:i + 4], []) for i in range(0, 44, 4)]

    def block(self, data):
        s = [a ^ b for a, b in zip(data, self.keys[0])]
        for n in range(1, 11):
            s = [SBOX[s[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if n < 10:
                s = [times(s[c], 2) ^ times(s[c - c % 4 + (c + 1) % 4], 3) ^ s[c - c % 4 + (c + 2) % 4]
                     ^ s[c - c % 4 + (c + 3) % 4] for c in range(16)]
            s = [a ^ b for a, b in zip(s, self.keys[n])]
        return bytes(s)

    def unblock(self, data):
        s = list(data)
        for n in range(10, 0, -1):
            s = [a ^ b for a, b in zip(s, self.keys[n])]
            if n < 10:
                s = [times(s[c], 14) ^ times(s[c - c % 4 + (c + 1) % 4], 11)
                     ^ times(s[c - c % 4 + (c + 2) % 4], 13) ^ times(s[c - c % 4 + (c + 3) % 4], 9)
                     for c in range(16)]
            s = [UNBOX[s[(i - 4 * (i % 4)) % 16]] for i in range(16)]
        return bytes(a ^ b for a, b in zip(s, self.keys[0]))

    def encrypt(self, data):
        pad = -(len(data) + 1) % 16
        data += bytes(range(1, pad + 1)) + bytes([pad])
        out = last = os.urandom(16)
        for i in range(0, len(data), 16):
            last = self.block(bytes(a ^ b for a, b in zip(data[i:i + 16], last)))
            out += last
        return out

    def decrypt(self, data):
        out = b""
        for i in range(16, len(data), 16):
            out += bytes(a ^ b for a, b in zip(self.unblock(data[i:i + 16]), data[i - 16:i]))
        return out[:-1 - out[-1]]


def checksum(data):
    return bytes([-sum(data) & 0xFF])


class Bmc:
    def __init__(self, port, faults, log):
        self.port, self.log, self.on = port, log, True
        self.faults = dict(f.split("=", 1) if "=" in f else (f, "") for f in faults if f)
        self.suites = [int(n) for n in self.faults.get("suites", "17+3").split("+")]
        self.muted = False
        self.commands = 0
        self.session = None
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", port))

    def receive(self):
        data, peer = self.socket.recvfrom(2048)
        try:
            answer = self.handle(data)
        except (IndexError, struct.error, KeyError, AttributeError):
            return
        if "noise" in self.faults:
            answer = os.urandom(40)
        if answer and not self.muted:
            self.socket.sendto(answer, peer)

    def handle(self, data):
        if data[3] == 6 and data[8] == 0x80:  # RMCP presence ping
            return bytes((6, 0, 0xFF, 6, 0, 0, 0x11, 0xBE, 0x40, data[9], 0, 16, 0, 0, 0x11, 0xBE)) + \
                bytes((0, 0, 0, 0, 0x81, 0, 0, 0, 0, 0, 0, 0))
        if data[3] != 7:
            return None
        if data[4] == 0:  # outside of a session, as IPMI 1.5
            length = data[13]
            answer = self.message(data[14:14 + length])
            return answer and data[:4] + bytes(9) + bytes([len(answer)]) + answer
        kind = data[5] & 0x3F
        body = data[16:16 + struct.unpack("<H", data[14:16])[0]]
        opening = {0x10: self.open, 0x12: self.rakp1, 0x14: self.rakp3}.get(kind)
        if opening:
            answer = opening(body)
            return answer and b"\x06\0\xff\x07\x06" + bytes([kind + 1]) + bytes(8) + \
                struct.pack("<H", len(answer)) + answer
        return self.in_session(body) if kind == 0 and self.session else None

    def stage(self, name, answer, head):
        """What becomes of an answer; its first @head bytes make it one of the right kind."""
        fault, _, value = self.faults.get(name, "").partition(":")
        if fault == "mute":
            self.muted = True
        if fault == "late":
            time.sleep(float(value))
        if fault == "junk":
            return answer[:head] + os.urandom(len(answer) - head)
        if fault == "short":
            return answer[:head + 1]
        return answer

    def status(self, name, otherwise=0):
        fault, _, value = self.faults.get(name, "").partition(":")
        return int(value, 0) if fault == "status" else otherwise

    def open(self, b):
        algorithms = (b[12], b[20], b[28])
        suite = [n for n in self.suites if SUITES[n][2] == algorithms]
        status = self.status("open", 0 if suite else 0x11)
        if status:
            return bytes((b[0], status, 0, 0)) + b[4:8]
        self.session = {"suite": suite[0], "console": b[4:8], "own": os.urandom(4), "ready": False}
        self.commands = 0
        return self.stage("open", bytes((b[0], 0, 4, 0)) + b[4:8] + self.session["own"] + b[8:32], 8)

    def rakp1(self, b):
        s = self.session
        s["random"], s["mine"], s["role"], s["name"] = b[8:24], os.urandom(16), b[24:25], b[28:28 + b[27]]
        status = self.status("rakp1", 0 if s["name"] == USER else 0x0D)
        if status:
            return bytes((b[0], status, 0, 0)) + s["console"]
        key = PASSWORD if self.faults.get("key") != "bad" else b"other"
        code = self.hmac(key, s["console"] + s["own"] + s["random"] + s["mine"] + GUID + self.who())
        return self.stage("rakp1", bytes((b[0], 0, 0, 0)) + s["console"] + s["mine"] + GUID + code, 8)

    def rakp3(self, b):
        s = self.session
        status = self.status("rakp3", b[1])
        if not status and b[8:] != self.hmac(PASSWORD, s["mine"] + s["console"] + self.who()):
            status = 0x0F
        if status:
            return bytes((b[0], status, 0, 0)) + s["console"]
        sik = self.hmac(PASSWORD, s["random"] + s["mine"] + self.who())
        n = 20
        s["k1"], s["aes"] = self.hmac(sik, b"\1" * n), Aes(self.hmac(sik, b"\2" * n)[:16])
        s["ready"], s["sequence"] = True, 0
        proof = self.hmac(sik, s["random"] + s["own"] + GUID)[:SUITES[s["suite"]][1]]
        return self.stage("rakp3", bytes((b[0], 0, 0, 0)) + s["console"] + proof, 8)

    def who(self):
        s = self.session
        return s["role"] + bytes([len(s["name"])]) + s["name"]

    def hmac(self, key, data):
        return hmac.new(key, data, SUITES[self.session["suite"]][0]).digest()

    def in_session(self, body):
        s = self.session
        if not s["ready"]:
            return None
        if "drop" in self.faults:
            self.commands += 1
            if self.commands > int(self.faults["drop"]):
                self.session = None
                return None
        answer = self.message(s["aes"].decrypt(body))
        if not answer:
            return None
        s["sequence"] += 1
        sealed = s["aes"].encrypt(answer)
        packet = b"\x06\xc0" + s["console"] + struct.pack("<IH", s["sequence"], len(sealed)) + sealed
        pad = -(len(packet) + 2) % 4
        packet += b"\xff" * pad + bytes((pad, 7))
        return b"\x06\0\xff\x07" + packet + self.hmac(s["k1"], packet)[:SUITES[s["suite"]][1]]

    def message(self, m):
        net_function, command, data = m[1] >> 2, m[5], m[6:-1]
        name = COMMANDS.get((net_function, command), "")
        code, rest = self.command(name, data)
        fault, _, value = self.faults.get(name, "").partition(":")
        if fault == "cc":
            code, rest = int(value, 0), b""
        rest = self.stage(name, bytes([code]) + rest, 1) if name else bytes([code]) + rest
        head = bytes((m[3], (net_function | 1) << 2))
        tail = bytes((m[0], m[4], command)) + rest
        return head + checksum(head) + tail + checksum(tail)

    def command(self, name, data):
        if name == "auth":
            return 0, bytes((1, 0x80, 4, 2, 0, 0, 0, 0))
        if name == "priv":
            return 0, data[:1]
        if name == "status":
            return 0, bytes((int(self.faults.get("power", int(self.on)), 0)
                             if "power" in self.faults else int(self.on), 0, 0, 0))
        if name == "control":
            if "lie" not in self.faults and not self.faults.get("control", "").startswith("cc"):
                self.on = data[0] & 15 != 0
                self.log.write("%d %s\n" % (self.port, "on" if self.on else "off"))
                self.log.flush()
            return 0, b""
        if name == "guid":
            return 0, GUID
        if name == "close":
            return 0, b""
        return 0xC1, b""


    def serve(self):
        while True:
            self.receive()


def main():
    with open(sys.argv[1], "a", encoding="ascii") as log:
        bmcs = []
        for argument in sys.argv[2:]:
            port, _, faults = argument.partition(":")
            bmcs.append(Bmc(int(port), faults.split(","), log))
        threads = [threading.Thread(target=b.serve, daemon=True) for b in bmcs]
        for thread in threads:
            thread.start()
        print("ready", flush=True)
        threads[0].join()


main()
