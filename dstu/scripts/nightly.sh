#!/bin/sh
# What is too long for every commit: ten minutes of fuzzing for each target, the timing report, the interop test.
set -eu
folder="$(dirname "$0")"
"$folder/interop.sh"
"$folder/timing.sh" 1000000
"$folder/fuzz.sh" 600
