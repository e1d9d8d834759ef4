#!/bin/sh
# Sends what the served descriptions (OpenAPI) allow and forbid to a running gateway, and judges its answers: scripts/conformance.sh [examples]
# Needs: python3 with venv, and a Python package index. Everything else it makes, under target/conformance. Ends within about ten minutes.
set -eu
cd "$(dirname "$0")/.."
# Generated examples for each route and seed; the systematic ones (missing, null, wrong, just outside) come beside them.
examples="${1:-25}"
seeds="1 2 3"
schemathesis_version=4.32.5
folder="$PWD/target/conformance"
rules="$PWD/scripts/conformance"
tools="$folder/venv"
data="$folder/data"
mkdir -p "$folder"

# COUNTERSIGN names a program that is built already.
program="${COUNTERSIGN:-}"
if [ -z "$program" ]; then
    "${CARGO:-cargo}" build --quiet --locked --package countersign
    program="${CARGO_TARGET_DIR:-target}/debug/countersign"
fi
[ -x "$tools/bin/python" ] || python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$schemathesis_version"

rm -rf "$data"
"$program" dev --data "$data" \
    --public 127.0.0.1:0 --admin 127.0.0.1:0 >"$folder/gateway.log" 2>&1 &
gateway=$!
trap 'kill "$gateway" 2>/dev/null || true; wait "$gateway" 2>/dev/null || true' EXIT
trap 'exit 1' INT TERM
# dev.json appears, whole, when everything listens.
waited=0
until [ -f "$data/dev.json" ]; do
    kill -0 "$gateway" 2>/dev/null || { cat "$folder/gateway.log" >&2; exit 1; }
    [ "$waited" -lt 60 ] || { echo "the gateway did not start within 60 s; see $folder/gateway.log" >&2; exit 1; }
    sleep 1
    waited=$((waited + 1))
done
fact() { "$tools/bin/python" -c "import json,sys; print(json.load(open(sys.argv[1]))$1)" "$data/dev.json"; }

failed=0
check() { # name, base URL, key
    for seed in $seeds; do
        echo "== $1, seed $seed"
        # In its own folder, where it keeps what it remembers of the run.
        (cd "$folder" && SCHEMATHESIS_HOOKS=hooks PYTHONPATH="$rules" PYTHONDONTWRITEBYTECODE=1 \
            "$tools/bin/schemathesis" --config-file "$rules/schemathesis.toml" run "$2/openapi.json" \
            --header "Authorization: Bearer $3" --continue-on-failure --max-examples "$examples" --seed "$seed" \
            --generation-database none --max-response-time 5 --no-color \
            --report junit --report-junit-path "$folder/$1-$seed.xml") || failed=1
        kill -0 "$gateway" || { echo "the gateway ended" >&2; exit 1; }
    done
}
check public "$(fact "['public']")" "$(fact "['partners'][0]['key']")"
check evidence "$(fact "['public']")/api/v0" "$(fact "['integrations'][0]['key']")"
check admin "$(fact "['admin']")" "$(fact "['admin_key']")"
check cashdesk "$(fact "['public']")/api/v2" "$(fact "['cashdesk']['api_token']")"
if grep -q '"ERROR"\| ERROR ' "$folder/gateway.log"; then
    echo "the gateway logged errors:" >&2
    grep '"ERROR"\| ERROR ' "$folder/gateway.log" >&2
    failed=1
fi
exit "$failed"
