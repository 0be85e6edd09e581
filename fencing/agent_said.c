/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "fencing/agent_said.h"

#include <ctype.h>
#include <stdio.h>

/* How many bytes of @p stand for the character @c: as it is, \c, %63, or + for a blank; 0: none. */
static size_t stands_for(const char *p, char c) {
        char code[4];

        if (p[0] == c)
                return 1;
        if (p[0] == '\\' && p[1] == c)
                return 2;
        if (c == ' ' && p[0] == '+')
                return 1;
        text_fmt(code, sizeof(code), "%%%02x", (unsigned char)c);
        return p[0] == '%' && p[1] && tolower((unsigned char)p[1]) == code[1] &&
                               tolower((unsigned char)p[2]) == code[2]
                       ? 3
                       : 0;
}

/* The length of @secret at @p in one of its forms, or 0. */
static size_t matches(const char *p, const char *secret) {
        size_t len = 0;

        for (; *secret; secret++) {
                size_t n = stands_for(p + len, *secret);

                if (n == 0)
                        return 0;
                len += n;
        }
        return len;
}

static size_t secret_at(const char *p, const char *const *secrets, size_t n) {
        size_t longest = 0;

        for (size_t i = 0; i < n; i++)
                if (secrets[i] && secrets[i][0])
                        longest = MAX(longest, matches(p, secrets[i]));
        return longest;
}

void agent_said(const char *text, const char *const *secrets, size_t n, char *buf, size_t size) {
        static const char tag[] = "ERROR: ";
        const char *end, *line, *found;
        size_t used = 0;

        for (end = text + strlen(text); end > text && isspace((unsigned char)end[-1]); end--)
                ;
        for (line = end; line > text && line[-1] != '\n'; line--)
                ;
        found = strstr(line, tag);
        if (found && found < end)
                line = found + sizeof(tag) - 1; /* the date before it says nothing here */
        /* A secret is looked for in all that was said: its last blanks are no blanks at the end. */
        while (line < end && used + 1 < size) {
                size_t len = secret_at(line, secrets, n);

                if (len == 0) {
                        buf[used++] = *line++;
                        continue;
                }
                for (const char *star = "***"; *star && used + 1 < size; star++)
                        buf[used++] = *star;
                line += len;
        }
        buf[used] = '\0';
}
