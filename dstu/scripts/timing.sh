#!/bin/sh
# Statistical timing report of signing (fixed against random keys): scripts/timing.sh [samples]
# Wants a quiet machine: other load hides leaks, it does not invent them.
set -eu
cd "$(dirname "$0")/.."
exec cargo bench --quiet -p dstu --bench timing -- "${1:-200000}"
