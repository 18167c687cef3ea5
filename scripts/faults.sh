#!/usr/bin/env bash
# The faults that the hub must survive: `make faults` at full size on the release build, with --short fewer of everything
# that takes long, on the build that the tests use. Further arguments go to the program; --help says which there are.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc
# Faults 27 to 31 look at the pages; without a browser those parts are left out aloud, in CI they fail.
need_browser || true
out=${CARGO_TARGET_DIR:-target}
if [ "${1:-}" = --short ]; then
    shift
    cargo build --quiet --package sigma-api --package sigma-bench
    exec "$out/debug/faults" --kills 10 --guesses 2000 --rounds 1 "$@"
fi
cargo build --quiet --release --package sigma-api --package sigma-bench
exec "$out/release/faults" "$@"
