#!/usr/bin/env bash
# A hub with a simulated fleet, until Ctrl-C. Arguments go to the fleet: --machines 5000, --interval 5, --minutes 10,
# --seed 7, --quiet; with --setup-only the fleet is made, everything ends, and the data stays to be looked at.
# The hub has a data folder of its own, which starts anew each time; DEMO_KEEP=1 goes on with that of the last run.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc

listen=${SIGMA_LISTEN:-127.0.0.1:3000}
data=${SIGMA_DATA_DIR:-$PWD/.data/demo}
export SIGMA_LISTEN=$listen SIGMA_DATA_DIR=$data
unset SIGMA_DATABASE_URL
profile=${DEMO_PROFILE:-debug}
bin=${CARGO_TARGET_DIR:-target}/$profile

if [ "$profile" = release ]; then
    cargo build --quiet --release --package sigma-api --package sigma-bench --bin sigma-api --bin demo-fleet
else
    cargo build --quiet --package sigma-api --package sigma-bench --bin sigma-api --bin demo-fleet
fi

is_open() { (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null; }
if is_open; then
    echo "$listen is taken by another program. Choose another: SIGMA_LISTEN=127.0.0.1:3001 make demo-fleet" >&2
    exit 1
fi

# Only a folder that this script made is emptied.
if [ -e "$data" ] && [ ! -e "$data/.demo-fleet" ] && [ -n "$(ls -A "$data")" ]; then
    echo "$data holds other data. Choose another folder: SIGMA_DATA_DIR=… make demo-fleet" >&2
    exit 1
fi
[ -n "${DEMO_KEEP:-}" ] || rm -rf "$data"
mkdir -p "$data"
chmod 700 "$data"
touch "$data/.demo-fleet"

hub='' fleet=''
stop() {
    trap - EXIT INT TERM
    [ -z "$fleet" ] || { kill "$fleet" 2>/dev/null && wait "$fleet"; } || true
    [ -z "$hub" ] || { kill "$hub" 2>/dev/null && wait "$hub"; } || true
    echo "all is stopped; the data stays in $data"
}
trap stop EXIT
trap 'exit 0' INT TERM

# Both are kept out of the terminal's Ctrl-C, so that they are stopped in order.
set -m
# Its first link is printed below, and belongs into no file.
"$bin/sigma-api" serve 2>>"$data/hub.log" >/dev/null &
hub=$!
for _ in $(seq 100); do
    is_open && break
    kill -0 "$hub" 2>/dev/null || { hub=''; tail -n 3 "$data/hub.log" >&2; exit 1; }
    sleep 0.1
done

make_key() {
    [ -s "$data/$1.key" ] || (umask 077 && "$bin/sigma-api" key create --name "demo: $1" --role "$1" >"$data/$1.key")
}
for role in agent operator readonly; do make_key "$role"; done

SIGMA_AGENT_KEY_FILE=$data/agent.key SIGMA_EDITOR_KEY_FILE=$data/operator.key "$bin/demo-fleet" "$@" &
fleet=$!

cat <<TEXT

The hub listens on http://$listen; what it says goes to $data/hub.log.
Look at it, from another terminal:

  key=\$(cat $data/operator.key)
  curl -s -H "X-Api-Key: \$key" http://$listen/api/vps
  curl -s -H "X-Api-Key: \$key" http://$listen/api/suggestions

TEXT
# A hub that knows accounts gives a link for the first one.
"$bin/sigma-api" setup-link 2>/dev/null || true
status=0
wait -n "$hub" "$fleet" || status=$?
exit "$status"
