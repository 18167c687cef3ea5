#!/usr/bin/env bash
# Fuzzes what is read from outside. FUZZ_SECONDS for each target (10); arguments name targets, default all.
# --same makes the same runs every time, from the seeds alone: what a test needs. New inputs are found without it.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc
need g++ g++

seconds=${FUZZ_SECONDS:-10}
same=''
[ "${1:-}" != --same ] || { same=yes && shift; }
triple=$(rustc -vV | sed -n 's/^host: //p')
out=$PWD/fuzz/target/$triple/release
corpus=$PWD/fuzz/corpus
artifacts=$PWD/fuzz/artifacts
fixtures=sigma-agent/tests/fixtures

# What cargo-fuzz sets, as far as the stable toolchain has it: coverage, without the address sanitizer, which code
# without `unsafe` can do without. The target is named so that build scripts are left alone.
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1"
CARGO_TARGET_DIR=fuzz/target \
    cargo build --quiet --release --locked --manifest-path fuzz/Cargo.toml --target "$triple"

# Files of /proc in memory, and gone at the end.
folder=/dev/shm
[ -w $folder ] || folder=${TMPDIR:-/tmp}
TMPDIR=$(mktemp -d "$folder/sigma-fuzz.XXXXXX")
export TMPDIR
[ -z "$same" ] || corpus=$TMPDIR/corpus
trap 'rm -rf "$TMPDIR"' EXIT
trap 'exit 130' INT TERM

seed() { # TARGET NAME: one seed from stdin
    mkdir -p "$corpus/$1" && cat >"$corpus/$1/seed-$2"
}

seed_machines() {
    local machine name file
    for machine in "$fixtures"/*/; do
        name=$(basename "$machine")
        (cd "$machine" && find -L . -type f -printf '%P\n' | sort | while read -r file; do
            printf '== %s\n' "$file" && cat "$file"
        done) | seed machine "$name"
        (cd "$machine/proc/net" && for file in fib_trie if_inet6 route; do
            printf '== proc/net/%s\n' "$file" && cat "$file"
        done) | seed network "$name"
        (cd "$machine" && find -L . -type f -not -path '*/net/*' -printf '%P\n') | while read -r file; do
            seed facts "$name-${file//\//-}" <"$machine/$file"
        done
        { printf '\1\3\377\12\1' && cat "$machine/proc/net/fib_trie"; } | seed lines "$name-single"
        { printf '\100\3\377\0\1' && cat "$machine/proc/cpuinfo"; } | seed lines "$name-records"
    done
}

seed_messages() {
    local file name
    for file in sigma-protocol/fixtures/*.json "$fixtures"/*.json; do
        name=$(basename "$file" .json)
        seed bodies "$name" <"$file"
        { printf '200\n120\n' && cat "$file"; } | seed answers "$name"
    done
    # Longer than a body may be.
    { cat sigma-protocol/fixtures/registration.json && printf '%66000s' ''; } | seed bodies long
    for status in 204 302 401 404 410 429 500 503; do
        { printf '%s\n%s\n' "$status" "$status" && cat sigma-protocol/fixtures/error.json; } | seed answers "$status"
    done
    printf 'HTTP/1.1 429 X\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"err\r\n5\r\nor":1\r\n1\r\n}\r\n0\r\n\r\n' |
        seed answers chunked
    printf 'HTTP/1.1 302 Found\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n' | seed answers redirect
    printf 'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\n{"id":"1","hostname":"a","status":"active"}' |
        seed answers close
    printf '%s\n' 'https://Hub.example.com/api/' 'http://us%%20er:se@cret@proxy:8080' 'other, .example.com' | seed urls name
    printf '%s\n' 'http://[fd00::5]:3000' 'https://[2001:db8::1]:8443/a/b//' 'fd00::/8, [fd00::5]:3000' | seed urls v6
    printf '%s\n' 'HTTP://10.1.2.3:80' 'http://localhost:3128' '10.0.0.0/8,*.a,b:80' | seed urls v4
}

# What was found once.
seed_findings() {
    local target
    for target in network machine; do
        printf '%s\n' '== proc/net/fib_trie' '|-- 239.1.1.1' '/32 host LOCAL' '== proc/net/if_inet6' \
            'ff0e0000000000000000000000000101 03 80 00 80 eth0' | seed $target group
    done
    printf '%s\n' '== proc/uptime' '18446744073709551609.1 0' '== proc/meminfo' 'MemTotal: 9007199254740991 kB' |
        seed machine unlimited
    printf 'https://.example.com\n' | seed urls label
    printf '407\n\n{"error":"a user is needed"}' | seed answers proxy
}

seed_machines
seed_messages
seed_findings

targets=("$@")
[ $# -gt 0 ] || targets=(network facts lines machine urls answers bodies)
runs_in_all=0
for target in "${targets[@]}"; do
    log=$TMPDIR/$target.log
    mkdir -p "$corpus/$target" "$artifacts/$target"
    # What is longer than the longest seed only makes each run slower.
    case $target in
        network | machine) max_len=20480 ;;
        bodies) max_len=67584 ;;
        *) max_len=8192 ;;
    esac
    # About ten seconds each.
    case $target in
        network | facts | lines | machine) runs=20000 ;;
        urls) runs=400000 ;;
        *) runs=40000 ;;
    esac
    until=(-max_total_time="$seconds")
    [ -z "$same" ] || until=(-seed=1 -runs=$runs)
    if ! "$out/$target" "$corpus/$target" "${until[@]}" -max_len=$max_len -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$artifacts/$target/" -print_final_stats=1 >"$log" 2>&1; then
        grep -E -A4 'panicked at|^==.*ERROR' "$log" >&2 || tail -n 20 "$log" >&2
        found=$(sed -n 's/.*Test unit written to //p' "$log" | tail -n 1)
        echo "fuzz: $target fails on $found" >&2
        echo "      again: $out/$target $found" >&2
        exit 1
    fi
    runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
    per_second=$(sed -n 's/^stat::average_exec_per_sec: *//p' "$log")
    edges=$(grep -o 'cov: [0-9]*' "$log" | tail -n 1)
    printf '%-8s %10d runs, %6d a second, %s\n' "$target" "$runs" "$per_second" "$edges"
    runs_in_all=$((runs_in_all + runs))
done
echo "fuzz: ${#targets[@]} targets, $runs_in_all runs, no failure"
