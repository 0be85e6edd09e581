# SPDX-License-Identifier: GPL-3.0-or-later
# A guest of 512 bytes: boots from its disk under SeaBIOS, prints GUEST-UP n on COM1, then once a second
# increments a 32-bit counter in sector 1 of the same disk (int 13h) and prints '.', or 'E' on I/O error.
# Assembled by lib/image.sh.
.code16
.globl _start
_start: cli; xor %ax,%ax; mov %ax,%ds; mov %ax,%es; mov %ax,%ss; mov $0x7c00,%sp; cld; sti
 mov %dl,drive
 mov $0x0201,%ax; call io
 mov $msg,%si
1: lodsb; test %al,%al; jz 2f; call putc; jmp 1b
2: mov 0x8000,%eax; mov $8,%cx
3: rol $4,%eax; push %ax; and $15,%al; cmp $10,%al; sbb $0x69,%al; das; call putc; pop %ax; loop 3b
 mov $10,%al; call putc
loop: mov 0x46c,%ebx; add $18,%ebx
4: hlt; cmp %ebx,0x46c; jb 4b
 incl 0x8000
 mov $0x0301,%ax; call io
 mov $'.',%al; jnc 5f; mov $'E',%al
5: call putc; jmp loop
io: mov $0x8000,%bx; mov $2,%cx; xor %dh,%dh; mov drive,%dl; int $0x13; ret
putc: push %dx; mov $0x3f8,%dx; outb %al,%dx; pop %dx; ret
drive: .byte 0
msg: .asciz "GUEST-UP "
.org 510
.word 0xaa55
