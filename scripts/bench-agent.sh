#!/usr/bin/env bash
# What one agent costs its machine. BEATS=600 for a longer look.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need strace strace
scripts/dist.sh
cargo build --quiet --release --package sigma-bench --bin agent
out=${CARGO_TARGET_DIR:-target}
"$out/release/agent" "$out/dist/sigma-agent" "${BEATS:-60}"
