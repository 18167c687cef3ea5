#!/usr/bin/env bash
# Pictures of every page with the demo fleet, in light, dark and on a telephone: target/screenshots/. Arguments go to the
# fleet: --machines 5000, --seed 7.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc
need_browser
data=$(mktemp -d)
trap 'rm -rf "$data"' EXIT
SIGMA_LISTEN=${SIGMA_LISTEN:-127.0.0.1:3999} SIGMA_DATA_DIR=$data/fleet scripts/demo-fleet.sh --setup-only --quiet "$@" >/dev/null

to=${SCREENSHOTS:-$PWD/target/screenshots}
rm -rf "$to"
CI=true SIGMA_SCREENSHOTS_OF=$data/fleet SIGMA_SCREENSHOTS_TO=$to \
    cargo test --quiet --locked --package sigma-api --test browser -- --ignored --exact pictures::of_every_page
echo "$(find "$to" -name '*.png' | wc -l) pictures are in $to"
