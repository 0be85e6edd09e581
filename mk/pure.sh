#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# pure.sh LIBRARY ALLOWED: every symbol that LIBRARY takes from outside must be in ALLOWED
# (one extended regular expression a line, '#' starts a comment).
set -eu
export LC_ALL=C

lib=$1 allowed=$2
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

nm --defined-only -g "$lib" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u >"$tmp/own"
sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' -e 's/.*/^(&)$/' "$allowed" >"$tmp/allowed"

n=0
while read -r object symbol; do
        echo "$object calls $symbol, which is not in $allowed"
        n=$((n + 1))
done < <(nm -A -u "$lib" 2>/dev/null | sed -E 's/^[^:]*:([^:]*):.* [Uw] /\1 /' |
        sort -u | awk 'NR == FNR { own[$1] = 1; next } !($2 in own)' "$tmp/own" - |
        awk 'NR == FNR { re[++k] = $0; next }
             { for (i = 1; i <= k; i++) if ($2 ~ re[i]) next; print }' "$tmp/allowed" -)

if [ "$n" -gt 0 ]; then
        echo "the pure parts may not call a clock, I/O, a log, the environment or a thread"
        exit 1
fi
echo "pure: $(nm -A "$lib" 2>/dev/null | cut -d: -f2 | sort -u | grep -c .) objects call nothing outside"
