#!/bin/bash
# SPDX-License-Identifier: GPL-3.0-or-later
# What `make check` does: one line a part, the whole output of a part that fails, and the sum.
# A part counts its cases in its last line "N passed, N failed[, N skipped]" or Check's
# "N%: Checks: N, Failures: N, Errors: N"; one without either is one case.
set -u
cd "$(dirname "$0")/.." || exit 2

: "${MODE:=release}" "${B:=build/$MODE}" "${MAKE:=make}"
export HAWD_BUILD="$PWD/$B"
# A time-out ends what hangs, and is no measure: not on a busy machine either.
export CK_TIMEOUT_MULTIPLIER="${CK_TIMEOUT_MULTIPLIER:-10}"
passed=0 failed=0 skipped=0
out=$(mktemp) beside=$(mktemp)
trap 'rm -f "$out" "$beside" "$beside.out"' EXIT

seconds() { # seconds SINCE
        local us=$((${EPOCHREALTIME/[.,]/} - $1))
        printf '%d.%d s' $((us / 1000000)) $((us / 100000 % 10))
}

part() { # part NAME COMMAND...
        local name=$1 rc=0 since p=0 f=0 s=0 line
        shift
        since=${EPOCHREALTIME/[.,]/}
        "$@" >"$out" 2>&1 </dev/null || rc=$?
        line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed|^[0-9]+%: Checks: ' "$out" | tail -n 1)
        if [[ $line =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)? ]]; then
                p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
        elif [[ $line =~ Checks:\ ([0-9]+),\ Failures:\ ([0-9]+),\ Errors:\ ([0-9]+) ]]; then
                f=$((BASH_REMATCH[2] + BASH_REMATCH[3]))
                p=$((BASH_REMATCH[1] - f))
        elif [ "$rc" -eq 77 ]; then
                s=1 rc=0
        elif [ "$rc" -eq 0 ]; then
                p=1
        fi
        # Died after its last good line, or without one.
        [ "$rc" -eq 0 ] || [ "$f" -gt 0 ] || f=1
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
        if [ "$f" -gt 0 ]; then
                cat "$out"
                printf '%-24s FAILED   %d of %d, exit status %d, %s\n' \
                        "$name" "$f" $((p + f)) "$rc" "$(seconds "$since")"
                return 1
        elif [ "$p" -eq 0 ] && [ "$s" -gt 0 ]; then
                printf '%-24s skipped  %s\n' "$name" "$(tail -n 1 "$out")"
        else
                printf '%-24s ok       %d, %s%s\n' "$name" "$p" "$(seconds "$since")" \
                        "$([ "$s" -eq 0 ] || echo ", $s skipped")"
        fi
}

# join FILE: waits for what ran beside, and tells what it said; its last line are its sums.
join() {
        local p=0 f=1 s=0
        wait
        sed '$d' "$1"
        read -r p f s < <(tail -n 1 "$1")
        passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
}

finish() {
        echo "$passed passed, $failed failed, $skipped skipped"
        [ "$failed" -eq 0 ]
        exit
}

jobs=()
[[ ${MAKEFLAGS:-} == *jobserver* ]] || jobs=("-j$(nproc)")

part deps mk/deps.sh || finish
part build "$MAKE" --no-print-directory "${jobs[@]}" MODE="$MODE" WERROR=1 all tests || finish
part pure "$MAKE" --no-print-directory MODE="$MODE" pure

units() {
        local t name out=$beside.out passed=0 failed=0 skipped=0
        for t in tests/unit/test_*.c; do
                name=${t##*/}
                name=${name%.c}
                part "unit ${name#test_}" "$B/unit/$name"
        done
        [ ! -x tests/conf/run ] || part conf tests/conf/run "$B/conf/confdump"
        [ ! -x tests/man/run ] || part man tests/man/run "$B"
        [ ! -x "$B/trace/trace" ] || part trace "$B/trace/trace" tests/trace/*.trace
        echo "$passed $failed $skipped"
}

# Unit tests wait for disks and time-outs; what only reckons runs beside them, and gives way.
units >"$beside" &
part format nice -n 3 mk/format.sh format-check
part "mutations apply" tests/mutations/run --check
[ ! -x "$B/simtest" ] || part simulator nice -n 3 "$B/simtest"
fuzzers=0
if command -v clang >/dev/null; then
        part "build for fuzzing" nice -n 3 "$MAKE" --no-print-directory "${jobs[@]}" \
                MODE=fuzz CC=clang WERROR=1 fuzzers && fuzzers=1
else
        part fuzzing sh -c 'echo "clang, which has libFuzzer, is not installed"; exit 77'
fi
join "$beside"
((!fuzzers)) || part fuzzing env HAWD_FUZZ="$PWD/${B%/*}/fuzz" tests/fuzz/run --check
[ ! -x tests/lab/run ] || part lab tests/lab/run
finish
