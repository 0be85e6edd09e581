/* SPDX-License-Identifier: GPL-3.0-or-later */
/* io.hawd.varlink, embedded: what GetInterfaceDescription answers is the file itself. */
#include "hawd/control/api_internal.h"

__asm__(".pushsection .rodata\n"
        ".globl api_interface_text\n"
        ".type api_interface_text, %object\n"
        "api_interface_text:\n"
        ".incbin \"hawd/control/io.hawd.varlink\"\n"
        ".byte 0\n"
        ".size api_interface_text, . - api_interface_text\n"
        ".popsection\n");
