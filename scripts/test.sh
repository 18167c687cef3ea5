#!/usr/bin/env bash
# Every test. Installs what it needs; without root it says what is missing and how to get it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc
# The network stories make hosts of their own out of namespaces.
need ip iproute2 || true
need nft nftables || true
need unshare util-linux || true
# The stories of the pages look at them in a browser; without one they are skipped, in CI they fail.
need_browser || true

say() { printf '== %s\n' "$*"; }

say "build"
cargo build --quiet --workspace --all-targets --locked
scripts/dist.sh

say "tests"
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked --no-fail-fast --status-level slow --final-status-level slow
else
    # Most stories wait, so more of them at once than there are processors.
    RUST_TEST_THREADS=8 cargo test --quiet --workspace --locked --no-fail-fast
fi

say "fuzz"
scripts/fuzz.sh --same

say "faults, shortened"
scripts/faults.sh --short
