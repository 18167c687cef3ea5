#!/usr/bin/env bash
# What the file of the static agent is made of: sections, and code by where it comes from. The same build, with symbols.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need nm binutils

out=${CARGO_TARGET_DIR:-target}/sized
CARGO_PROFILE_DIST_STRIP=none CARGO_TARGET_DIR=$out scripts/dist.sh >/dev/null
agent=$out/dist/sigma-agent

echo "sections, KiB:"
size -A "$agent" | awk '$2 + 0 > 4096 && $3 + 0 > 0 { printf "  %-20s %6d\n", $1, $2 / 1024 }' | sort -k2 -n -r
echo "code and constants by origin, KiB:"
nm -C -S -t d --defined-only "$agent" | awk '
    NF >= 4 && $3 ~ /^[tTrRwWVdDbB]$/ {
        size = $2 + 0; name = $0
        if (name ~ /ring::|ring_core|p256|p384|x25519|fiat_|ecp_nistz|chacha20|gcm_|aes_/) from = "ring"
        else if (name ~ /rustls|webpki/) from = "rustls and webpki"
        else if (name ~ /ureq_proto|httparse|http::/) from = "ureq-proto, http, httparse"
        else if (name ~ /serde/) from = "serde_json"
        else if (name ~ /sigma_agent|sigma_protocol/) from = "the agent"
        else if (name ~ /gimli|addr2line|miniz_oxide|rustc_demangle|backtrace/) from = "std: backtraces of panics"
        else if (name ~ /std::|core::|alloc::|__rust/) from = "std, the rest"
        else from = "glibc"
        sum[from] += size
    }
    END { for (from in sum) printf "%6d  %s\n", sum[from] / 1024, from }' | sort -rn
