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

rc=0
clang-format --dry-run --Werror "${c_files[@]}" || rc=1
long=0
for f in "${c_files[@]}"; do
        lines=$(wc -l <"$f")
        if [ "$lines" -gt 800 ]; then
                echo "$f: $lines lines, split it at 800"
                long=1
        fi
done
if command -v shellcheck >/dev/null; then
        mapfile -t scripts < <(sources '*' | while read -r f; do
                case $(head -c 40 "$f" | tr -d '\0' | head -n 1) in
                '#!'*/bash* | '#!'*/sh* | '#!'*'env bash'*) echo "$f" ;;
                esac
        done)
        [ "${#scripts[@]}" -eq 0 ] || shellcheck -x "${scripts[@]}" || rc=1
fi
[ $((rc + long)) -eq 0 ] && echo "format: ${#c_files[@]} C files as .clang-format wants them"
exit $((rc || long))
