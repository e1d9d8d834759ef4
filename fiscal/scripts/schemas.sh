#!/bin/sh
# Validates every kind of document that we write against the official schemas: fiscal/scripts/schemas.sh [random documents] [seed]
# Needs: xmllint (installed here where apt is allowed to), and the schemas in $COUNTERSIGN_FIXTURES/fiscal/xsd.
set -eu
cd "$(dirname "$0")/../.."
random="${1:-1000}"
seed="${2:-1}"
# Absolute, because xmllint is run from the folder of the documents.
fixtures="$(cd "${COUNTERSIGN_FIXTURES:-../shared/fixtures}" 2>/dev/null && pwd)" || {
    echo "skipped: no fixtures (set COUNTERSIGN_FIXTURES)"
    exit 0
}
if ! command -v xmllint >/dev/null; then
    [ "$(id -u)" = 0 ] && sudo="" || sudo="sudo"
    $sudo apt-get install --yes libxml2-utils
fi
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
COUNTERSIGN_FIXTURES="$fixtures" "${CARGO:-cargo}" run --quiet --locked -p fiscal --example make-documents -- \
    "$folder" "$random" "$seed"
for schema in check zrep ticket; do
    # One run for all documents of a schema; what does not validate is named, and fails the script.
    (cd "$folder" && find . -name "$schema-*.xml" -print0 \
        | xargs -0 xmllint --noout --schema "$fixtures/fiscal/xsd/${schema}01.xsd" >result 2>&1) || {
        grep -v ' validates$' "$folder/result"
        echo "$schema: not valid (documents of seed $seed)"
        exit 1
    }
    echo "$schema: $(grep -c ' validates$' "$folder/result") documents are valid"
done
