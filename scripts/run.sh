#!/usr/bin/env bash
# A hub on its embedded default and this machine's agent, until Ctrl-C.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/need.sh
need_rust
need cc gcc

listen=${SIGMA_LISTEN:-127.0.0.1:3000}
export SIGMA_LISTEN=$listen SIGMA_DATA_DIR=${SIGMA_DATA_DIR:-$PWD/.data}
bin=${CARGO_TARGET_DIR:-target}/debug
unset SIGMA_DATABASE_URL

cargo build --quiet --package sigma-api --package sigma-agent
mkdir -p "$SIGMA_DATA_DIR"
chmod 700 "$SIGMA_DATA_DIR"

hub='' agent=''
stop() {
    trap - EXIT INT TERM
    # The agent first, so that it does not see its hub go.
    [ -z "$agent" ] || { kill "$agent" 2>/dev/null && wait "$agent"; } || true
    [ -z "$hub" ] || { kill "$hub" 2>/dev/null && wait "$hub"; } || true
    echo "both are stopped; the data stays in $SIGMA_DATA_DIR"
}
trap stop EXIT
trap 'exit 0' INT TERM

is_open() { (exec 3<>"/dev/tcp/${listen%:*}/${listen##*:}") 2>/dev/null; }

if is_open; then
    echo "$listen is taken by another program. Choose another: SIGMA_LISTEN=127.0.0.1:3001 make run" >&2
    trap - EXIT
    exit 1
fi
# Keys of a database that is gone are of no use.
[ -e "$SIGMA_DATA_DIR/sigma.db" ] || rm -f "$SIGMA_DATA_DIR/agent.key" "$SIGMA_DATA_DIR/readonly.key"

# What the hub prints at its first start is a secret: it goes through a pipe and into no file.
pipes=$(mktemp -d)
mkfifo "$pipes/hub"
exec 3<>"$pipes/hub"
rm -r "$pipes"

# It goes to the terminal in the end.
export SIGMA_PRINT_SETUP_LINK=1

# Both are kept out of the terminal's Ctrl-C, so that they are stopped in order.
set -m
"$bin/sigma-api" serve >&3 &
hub=$!
for _ in $(seq 100); do
    is_open && break
    kill -0 "$hub" 2>/dev/null || { hub=''; exit 1; }
    sleep 0.1
done

# The key is made once and kept beside the data, readable by nobody else.
make_key() {
    [ -s "$SIGMA_DATA_DIR/$1.key" ] || (umask 077 && "$bin/sigma-api" key create --name "make run: $1" --role "$1" \
        >"$SIGMA_DATA_DIR/$1.key")
}
make_key agent
make_key readonly

# What is set for another agent must not reach this one.
unset SIGMA_API_KEY SIGMA_CA_FILE AGENT_HOSTNAME AGENT_HOST_ROOT AGENT_SSH_PORT
SIGMA_API_URL=http://$listen/api SIGMA_API_KEY_FILE=$SIGMA_DATA_DIR/agent.key AGENT_INTERVAL=${AGENT_INTERVAL:-5} \
    "$bin/sigma-agent" &
agent=$!

# Within this time it has said whether somebody can sign in.
if read -r -t 2 first <&3; then
    sign_in=$first
else
    sign_in="Sign in: http://$listen/"
fi

cat <<TEXT

$sign_in

The hub listens on http://$listen and this machine's agent reports to it every ${AGENT_INTERVAL:-5} s.
Look at what it knows, from another terminal:

  curl -s -H "X-Api-Key: \$(cat $SIGMA_DATA_DIR/readonly.key)" http://$listen/api/vps

Make a key for the agent of another machine:

  SIGMA_DATA_DIR=$SIGMA_DATA_DIR $bin/sigma-api key create --name web1 --role agent

Another link for an administrator, for a lost password too:

  SIGMA_DATA_DIR=$SIGMA_DATA_DIR SIGMA_LISTEN=$listen $bin/sigma-api setup-link

Ctrl-C stops both.

TEXT
wait -n "$hub" "$agent"
