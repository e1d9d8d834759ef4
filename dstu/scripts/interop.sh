#!/bin/sh
# Tests both ways against BouncyCastle: scripts/interop.sh
# On Debian it installs what is missing (needs the rights to do so).
set -eu
cd "$(dirname "$0")/.."
if ! command -v javac >/dev/null || [ ! -e /usr/share/java/bcprov.jar ] || [ ! -e /usr/share/java/bcpkix.jar ]; then
    apt-get update
    apt-get install -y --no-install-recommends default-jdk-headless libbcprov-java libbcpkix-java libbcutil-java
fi
DSTU_INTEROP_REQUIRED=1 cargo test -p dstu --test interop -- --nocapture
