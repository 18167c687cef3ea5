#!/usr/bin/env bash
# Formatting, lints, dependencies, docs.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc

say() { printf '== %s\n' "$*"; }

say "rust-version"
stated=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml)
running=$(rustc --version | cut -d' ' -f2)
case $running in
    "$stated" | "$stated".*) echo "all of this runs with Rust $running, the oldest that Cargo.toml promises" ;;
    *)
        if rustup run "$stated" cargo --version >/dev/null 2>&1; then
            rustup run "$stated" cargo check --quiet --workspace --all-targets --locked
            echo "builds with Rust $stated, too"
        else
            echo "running $running; Rust $stated, the oldest promised, is not installed: rustup toolchain install $stated"
        fi
        ;;
esac

say "formatting"
cargo fmt --all --check
(cd fuzz && cargo fmt --check)
say "clippy"
cargo clippy --quiet --workspace --all-targets --locked -- -D warnings
say "docs"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --workspace --no-deps --document-private-items --locked

say "cargo deny"
cargo deny --version >/dev/null 2>&1 || { echo "installing cargo-deny" && cargo install --quiet --locked cargo-deny; }
cargo deny --log-level error --all-features --locked check licenses bans sources
if cargo deny --log-level off --locked fetch db >/dev/null 2>&1; then
    cargo deny --log-level error --all-features --locked check --disable-fetch advisories
else
    echo "advisories: not checked, their database cannot be fetched from here"
fi
