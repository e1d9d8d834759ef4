#!/bin/sh
# Builds with profiles: first a build that counts what runs, then all loads of the benchmarks on it, then the release with these counts.
# scripts/profiled.sh count, and then
# scripts/profiled.sh build [cargo's arguments...] for the program, or scripts/profiled.sh bench [name...] for benchmarks of such a build (default: speed).
# Needs: wrk, and llvm-profdata of the compiler's own LLVM (LLVM_PROFDATA names it).
set -eu
cd "$(dirname "$0")/.."
what="${1:-count}"
[ $# -gt 0 ] && shift

cargo="${CARGO:-cargo}"
host="$(rustc -vV | sed -n 's/^host: //p')"
llvm="$(rustc -vV | sed -n 's/^LLVM version: \([0-9]*\).*/\1/p')"
folder="$PWD/target/profiled"
counts="$folder/counts"
profile="$folder/release.profdata"

find_profdata() {
    for candidate in "${LLVM_PROFDATA:-}" \
        "$(rustc --print sysroot)/lib/rustlib/$host/bin/llvm-profdata" \
        "llvm-profdata-$llvm" "/usr/lib/llvm-$llvm/bin/llvm-profdata"; do
        [ -z "$candidate" ] || ! command -v "$candidate" >/dev/null || { echo "$candidate"; return; }
    done
    echo "llvm-profdata of LLVM $llvm is not here: rustup component add llvm-tools, or Debian's package llvm-$llvm" >&2
    exit 1
}
profdata="$(find_profdata)"
command -v wrk >/dev/null || { echo "wrk is not here (Debian: apt-get install wrk)" >&2; exit 1; }

# A build that counts need not be fast: what is counted does not depend on what is done to it behind that.
counting() {
    RUSTFLAGS="-Cprofile-generate=$counts" CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        SPEED_ROUNDS=1 EVIDENCE_ROUNDS=1 REGISTERS_ROUNDS=1 REGISTERS_WHAT=sell \
        "$cargo" bench --locked "$@" --bench speed --bench evidence --bench registers \
        --target "$host" --target-dir "$folder/counting"
}

case "$what" in
count)
    # What these loads do not run is taken for rarely used, so each service has its load.
    counting --no-run
    rm -rf "$counts"
    counting
    "$profdata" merge -o "$profile" "$counts"
    ;;
build | bench)
    [ -f "$profile" ] || { echo "nothing is counted yet: scripts/profiled.sh count" >&2; exit 1; }
    ;;
*)
    echo "count, build or bench, not $what" >&2
    exit 2
    ;;
esac

case "$what" in
build)
    echo "== the release"
    RUSTFLAGS="-Cprofile-use=$profile" "$cargo" build --release --locked "$@" --target "$host" --target-dir "$folder"
    cp "$folder/$host/release/countersign" "$folder/countersign"
    echo "$folder/countersign"
    ;;
bench)
    echo "== benchmarks of the release"
    [ $# -gt 0 ] || set -- speed
    for name in "$@"; do
        RUSTFLAGS="-Cprofile-use=$profile" "$cargo" bench --locked --bench "$name" --target "$host" --target-dir "$folder"
    done
    ;;
esac
