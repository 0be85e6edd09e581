/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hawd/ctl/ctl.h"

int main(int argc, char **argv) {
        return ctl_main(argc, argv);
}
