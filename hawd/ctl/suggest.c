/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The word that was meant: the least number of letters added, left out, changed or swapped. */
#include "hawd/ctl/ctl.h"

#define WORD_MAX 32

static size_t distance(const char *a, const char *b) {
        size_t d[WORD_MAX + 1][WORD_MAX + 1];
        size_t n = strlen(a), m = strlen(b);

        if (n > WORD_MAX || m > WORD_MAX)
                return SIZE_MAX;
        for (size_t i = 0; i <= n; i++)
                d[i][0] = i;
        for (size_t j = 0; j <= m; j++)
                d[0][j] = j;
        for (size_t i = 1; i <= n; i++)
                for (size_t j = 1; j <= m; j++) {
                        size_t change = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

                        d[i][j] = MIN(MIN(d[i - 1][j], d[i][j - 1]) + 1, change);
                        if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                                d[i][j] = MIN(d[i][j], d[i - 2][j - 2] + 1);
                }
        return d[n][m];
}

const char *ctl_nearest(const char *word, const char *const *names) {
        const char *best = NULL;
        size_t best_distance = SIZE_MAX;

        for (; *names; names++) {
                size_t d = distance(word, *names);

                /* "mig" means "migrate", however much is missing. */
                if (strlen(word) >= 2 && strncmp(*names, word, strlen(word)) == 0)
                        d = 0;
                if (d < best_distance) {
                        best = *names;
                        best_distance = d;
                }
        }
        return best && best_distance <= MAX(strlen(best) / 3, (size_t)1) ? best : NULL;
}
