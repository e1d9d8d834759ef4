#!/bin/sh
# Tries the SMPP client against software that nobody here wrote: npm's `smpp` as SMSC, and `drive_smpp` of Debian's kannel-extras.
# Installs both where it can (npm into target/, Debian's needs the rights to do so); a part that cannot be had is skipped, and said so.
set -eu
cd "$(dirname "$0")/../.."
folder="${CARGO_TARGET_DIR:-target}/smpp-interop"
if command -v npm >/dev/null && command -v node >/dev/null; then
    mkdir -p "$folder"
    if [ -d "$folder/node_modules/smpp" ] || npm install --silent --prefix "$folder" smpp@0.5.1; then
        SMPP_INTEROP_NODE_MODULES="$(cd "$folder/node_modules" && pwd)"
        export SMPP_INTEROP_NODE_MODULES
    else
        echo "npm cannot install smpp here: its part is skipped"
    fi
else
    echo "node and npm are not here: their part is skipped"
fi
drive=/usr/lib/kannel/test/drive_smpp
if [ ! -x "$drive" ] && command -v apt-get >/dev/null; then
    { apt-get update && apt-get install -y --no-install-recommends kannel-extras; } >/dev/null 2>&1 || true
fi
if [ -x "$drive" ]; then
    export SMPP_INTEROP_DRIVE="$drive"
else
    echo "kannel-extras cannot be installed here: its part is skipped"
fi
cargo test --locked -p smpp --test it interop -- --nocapture
