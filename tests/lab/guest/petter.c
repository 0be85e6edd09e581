/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Arms the guest's i6300esb and pets it every second, without a driver: the cloud kernel has none.
 *
 *   petter SECONDS    it runs out so long after the last of them
 *
 * Registers as in Intel's 6300ESB I/O Controller Hub datasheet, chapter 16: two timers, the second
 * of which acts; each write is unlocked by 0x80, 0x86 to the reload register.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define DEVICE_ID "0x25ab"
#define TIMER1 0x00
#define TIMER2 0x04
#define RELOAD 0x0c
#define CONFIG 0x60 /* of PCI: no interrupt, 1 kHz, reset enabled */
#define LOCK 0x68   /* of PCI: enabled */

static volatile uint8_t *registers;

static int open_of(const char *device, const char *name, int flags) {
        char path[512];

        snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", device, name);
        return open(path, flags | O_CLOEXEC);
}

static size_t read_of(const char *device, const char *name, char *buf, size_t size) {
        int fd = open_of(device, name, O_RDONLY);
        ssize_t n = fd >= 0 ? read(fd, buf, size - 1) : 0;

        if (fd >= 0)
                close(fd);
        buf[n > 0 ? n : 0] = '\0';
        return n > 0 ? (size_t)n : 0;
}

static int find(char *device, size_t size) {
        DIR *dir = opendir("/sys/bus/pci/devices");
        struct dirent *entry;
        char id[32];
        int found = 0;

        while (dir && !found && (entry = readdir(dir))) {
                snprintf(device, size, "%s", entry->d_name);
                found = read_of(device, "device", id, sizeof(id)) > 0 &&
                        strncmp(id, DEVICE_ID, strlen(DEVICE_ID)) == 0;
        }
        if (dir)
                closedir(dir);
        return found;
}

static void unlock(void) {
        *(volatile uint16_t *)(registers + RELOAD) = 0x80;
        *(volatile uint16_t *)(registers + RELOAD) = 0x86;
}

static void set_timer(unsigned timer, uint32_t value) {
        unlock();
        *(volatile uint32_t *)(registers + timer) = value;
}

static void pet(void) {
        unlock();
        *(volatile uint16_t *)(registers + RELOAD) = 0x100;
}

static int map_registers(const char *device) {
        char text[1024];
        unsigned long start;
        int fd = open_of(device, "enable", O_WRONLY);

        if (fd < 0 || write(fd, "1", 1) != 1)
                return -1;
        close(fd);
        fd = open_of(device, "resource0", O_RDWR | O_SYNC);
        registers = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        close(fd);
        if (registers == MAP_FAILED || read_of(device, "resource", text, sizeof(text)) == 0 ||
            sscanf(text, "%lx", &start) != 1)
                return -1;
        registers += start & 0xfff;
        return 0;
}

static int arm(unsigned seconds) {
        const uint8_t off = 0, on = 2;
        const uint16_t config = 0x0003;
        char device[256];
        int fd;

        if (!find(device, sizeof(device)) || map_registers(device) < 0)
                return -1;
        fd = open_of(device, "config", O_RDWR);
        if (pwrite(fd, &off, sizeof(off), LOCK) < 0 ||
            pwrite(fd, &config, sizeof(config), CONFIG) < 0)
                return -1;
        set_timer(TIMER1, seconds << 9); /* half of the time each, in 2^-10 s */
        set_timer(TIMER2, seconds << 9);
        pet();
        return pwrite(fd, &on, sizeof(on), LOCK) == sizeof(on) ? 0 : -1;
}

int main(int argc, char **argv) {
        long seconds = argc == 2 ? atol(argv[1]) : 0;

        if (seconds < 1 || seconds > 60)
                return 2;
        if (arm((unsigned)seconds) < 0) {
                printf("petter: there is no i6300esb that can be armed\n");
                return 1;
        }
        for (;; sleep(1))
                pet();
}
