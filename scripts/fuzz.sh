#!/bin/bash
# SPDX-License-Identifier: MIT OR Apache-2.0
# Builds build-fuzz with clang, ASan and UBSan and runs every fuzz target for an
# equal share of SECONDS (default 180). One line per target; exit 1 when one
# crashes, hangs or covers less than its floor (tests/fuzz/meson.build).
# usage: scripts/fuzz.sh [SECONDS] [TARGET...]
set -u
cd "$(dirname "$0")/.."
seconds=${1:-180}
shift || true
build=build-fuzz

command -v clang >/dev/null || { echo "fuzz: clang is missing (apt-get install clang libclang-rt-14-dev)"; exit 1; }
if [ ! -f $build/build.ninja ]; then
    CC=clang meson setup $build -Dfuzz=true -Dpkf2=true -Db_sanitize=address,undefined -Db_lundef=false \
        -Dclients=false >$build.log 2>&1 || { tail -n 20 $build.log; exit 1; }
    rm -f $build.log
fi
meson configure $build -Dpkf2=true
ninja -C $build -j"${JOBS:-$(nproc)}" fuzz-binaries >$build/fuzz-build.log 2>&1 || {
    grep -E 'error|FAILED' -A6 $build/fuzz-build.log | head -n 40
    echo "fuzz: the build failed, see $build/fuzz-build.log"
    exit 1
}

# Rows "binary corpus floor", all or those named.
mapfile -t rows < <(while read -r name corpus floor; do
    [ -n "$name" ] || continue
    [ $# -eq 0 ] || [[ " $* " == *" $name "* ]] || continue
    echo "$name $corpus $floor"
done <$build/tests/fuzz/targets.txt)
[ ${#rows[@]} -gt 0 ] || { echo "fuzz: no such target"; exit 1; }
share=$((seconds / ${#rows[@]}))
[ $share -ge 1 ] || share=1

fail=0
bad=()
for row in "${rows[@]}"; do
    read -r name corpus floor <<<"$row"
    grown=$build/corpus/$name
    found=$build/findings/$name
    log=$build/findings/$name.log
    mkdir -p "$grown" "$found"
    seeds=tests/fuzz/corpus/$corpus
    # The first byte of these says which allocation fails.
    if [[ $name == *_alloc ]]; then
        seeds=$build/seeds/$name
        mkdir -p "$seeds"
        for f in tests/fuzz/corpus/"$corpus"/*; do
            { printf '\003'; cat "$f"; } >"$seeds/$(basename "$f")"
        done
    fi
    $build/tests/fuzz/fuzz_"$name" -max_total_time=$share -timeout=30 -rss_limit_mb=1024 \
        -artifact_prefix="$found/" -print_final_stats=1 "$grown" "$seeds" >"$log" 2>&1
    status=$?
    cov=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1 | cut -d' ' -f2)
    runs=$(grep -o 'number_of_executed_units: [0-9]*' "$log" | cut -d' ' -f2)
    verdict=ok
    if [ $status -ne 0 ]; then
        verdict="FAILED, see $log and $found/"
        fail=1
        bad+=("$name")
    elif [ "${cov:-0}" -lt "$floor" ]; then
        verdict="COVERAGE below $floor: is the code under test instrumented?"
        fail=1
    fi
    printf '%-22s %4s s %10s runs  cov %5s  %s\n' "$name" "$share" "${runs:-?}" "${cov:-?}" "$verdict"
done
# Last, where a log that is cut short still has it: what was found, and the input.
for name in "${bad[@]}"; do
    echo "--- $name"
    grep -v -E '^(#[0-9]+|NEW_FUNC|INFO)' $build/findings/"$name".log | grep -m 25 -A25 -E 'ERROR|runtime error|CHECK' |
        cut -c1-200
    for f in $build/findings/"$name"/*; do
        [ -f "$f" ] && [ "$(stat -c %s "$f")" -le 4096 ] && echo "$(basename "$f"): $(base64 -w0 "$f")"
    done
done
exit $fail
