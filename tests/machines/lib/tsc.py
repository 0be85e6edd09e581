#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-3.0-or-later
"""tsc.py: how fast this machine's time stamp counter runs, in kHz (x86-64).

A machine's kernel finds that out at its boot, against a timer that QEMU emulates; when QEMU does not get its
time then, it is wrong by a multiple for as long as the machine runs.
"""
import ctypes
import mmap
import time

CODE = bytes.fromhex("0f31 48c1e220 4809d0 c3")  # rdtsc; shl $32,%rdx; or %rdx,%rax; ret


def main():
    page = mmap.mmap(-1, mmap.PAGESIZE, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(CODE)
    rdtsc = ctypes.CFUNCTYPE(ctypes.c_uint64)(ctypes.addressof(ctypes.c_char.from_buffer(page)))

    def both():
        """A pair of readings with as little as can be between them."""
        tries = []
        for _ in range(50):
            before = time.monotonic_ns()
            ticks = rdtsc()
            after = time.monotonic_ns()
            tries.append((after - before, ticks, (before + after) // 2))
        return min(tries)[1:]

    ticks, nsec = both()
    time.sleep(0.2)
    ticks2, nsec2 = both()
    print(round((ticks2 - ticks) * 1000000 / (nsec2 - nsec)))


main()
