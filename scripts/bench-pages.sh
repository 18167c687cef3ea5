#!/usr/bin/env bash
# What the pages weigh and how soon they come, with 10,000 machines. Arguments go to the program: --machines 2000, --rounds 50.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc
cargo build --quiet --release --package sigma-api --package sigma-bench --bin sigma-api --bin pages
"${CARGO_TARGET_DIR:-target}/release/pages" "$@"
