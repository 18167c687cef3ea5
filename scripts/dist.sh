#!/usr/bin/env bash
# Builds the agent that is shipped: one static file. A target must be named for crt-static to leave build scripts alone.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc

target=$(rustc -vV | sed -n 's/^host: //p')
out=${CARGO_TARGET_DIR:-target}
# The linker says that getaddrinfo wants the C library it was linked with at run time; glibc carries the files and dns
# services inside itself since 2.34, and `make test` runs the result in a root that holds nothing else.
RUSTFLAGS="-C target-feature=+crt-static${RUSTFLAGS:+ $RUSTFLAGS}" \
    cargo build --quiet --profile dist --package sigma-agent --target "$target" --target-dir "$out"
mkdir -p "$out/dist"
install -m 0755 "$out/$target/dist/sigma-agent" "$out/dist/sigma-agent"
"$out/dist/sigma-agent" --version
echo "$out/dist/sigma-agent: $(($(stat -c %s "$out/dist/sigma-agent") / 1024)) KiB"
