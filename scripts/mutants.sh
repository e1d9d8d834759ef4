#!/bin/sh
# Changes the rules in actors/src/machines one by one and runs their tests against each: scripts/mutants.sh [more arguments of cargo mutants]
# Registers' rules are tested over a store and a stand-in server (test `register`), with a few seeded lives only.
# Needs: cargo install cargo-mutants. Fails below 85 of 100 caught.
set -eu
export SIM_SEEDS="${SIM_SEEDS:-40}"
cd "$(dirname "$0")/.."
output="${MUTANTS_OUTPUT:-target/mutants}"
mkdir -p "$output"
# Exit code 2 says that some were missed, 3 that some ran out of time; how many is judged below.
status=0
cargo mutants --package actors --features testing --file 'actors/src/machines/**' \
    --cargo-test-arg=--lib --cargo-test-arg=--test=register --timeout 300 --jobs 1 --output "$output" "$@" || status=$?
case "$status" in 0 | 2 | 3) ;; *) exit "$status" ;; esac
lines() { wc -l <"$output/mutants.out/$1.txt"; }
caught=$(($(lines caught) + $(lines timeout)))
all=$((caught + $(lines missed)))
[ "$all" -gt 0 ] || { echo "no mutant was tried" >&2; exit 1; }
echo "$caught of $all caught ($((100 * caught / all)) %)"
[ $((100 * caught)) -ge $((85 * all)) ]
