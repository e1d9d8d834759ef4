#!/bin/sh
# Fuzzes every target for some seconds (default 120), one after the other: scripts/fuzz.sh [seconds] [target...]
# Needs: cargo install cargo-fuzz
set -eu
cd "$(dirname "$0")/../fuzz"
seconds="${1:-120}"
[ $# -gt 0 ] && shift
targets="${*:-otp_send otp_verify import_lines records config phone keys evidence cashdesk}"
# Valid inputs to begin with: those in fuzz/seeds (records are the golden ones, behind a byte that says of which kind), and our own
# commented configuration.
mkdir -p corpus/config
cp ../config/countersign.toml corpus/config/
for target in $targets; do
    echo "== $target, $seconds s"
    mkdir -p "corpus/$target"
    [ ! -d "seeds/$target" ] || cp "seeds/$target"/* "corpus/$target/"
    # No sanitizer: that keeps it on stable Rust; out-of-bounds accesses panic anyway. An input may take ten seconds.
    cargo fuzz run --sanitizer none "$target" -- \
        -max_total_time="$seconds" -max_len=16384 -timeout=10 -print_final_stats=1 -verbosity=0
done
