#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# format.sh format|format-check: all sources that git knows (or, outside git, all there are).
set -eu

sources() { # sources PATTERN...
        if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
                git ls-files -- "$@"
        else
                local pattern args=()
                for pattern; do args+=(-o -name "$pattern"); done
                find . -path ./build -prune -o -type f \( "${args[@]:1}" \) -print
        fi | while read -r f; do [ -f "$f" ] && echo "$f"; done
}

mapfile -t c_files < <(sources '*.c' '*.h')
if [ "${#c_files[@]}" -eq 0 ]; then
        echo "format: no C files"
        exit
fi
if [ "$1" = format ]; then
        clang-format -i "${c_files[@]}"
        exit
fi

beside() { # beside COMMAND...: with the files of standard input, some at a time on each processor
        tr '\n' '\0' | xargs -0 -r -n 24 -P "$(nproc)" "$@"
}

# is_script FILE: by its first line
is_script() {
        local first
        IFS= read -r -n 40 first 2>/dev/null <"$1" || [ -n "$first" ] || return 1
        case $first in
        '#!'*/bash* | '#!'*/sh* | '#!'*'env bash'*) ;;
        *) return 1 ;;
        esac
}

rc=0
printf '%s\n' "${c_files[@]}" | beside clang-format --dry-run --Werror || rc=1
wc -l "${c_files[@]}" | awk '$2 != "total" && $1 > 800 { print $2 ": " $1 " lines, split it at 800"; e = 1 } END { exit e }' ||
        rc=1
if command -v shellcheck >/dev/null; then
        sources '*' | while read -r f; do if is_script "$f"; then echo "$f"; fi; done |
                beside shellcheck -x || rc=1
fi
[ "$rc" -eq 0 ] && echo "format: ${#c_files[@]} C files as .clang-format wants them"
exit "$rc"
