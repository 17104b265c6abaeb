#!/usr/bin/env bash
# Two clients and a switchboard, no relay: 20 MB from one to the other. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

start switchboard node "$here/switchboard.mjs"
until_ok grep -q . "$work/switchboard.out"
port=$(cat "$work/switchboard.out")
start answering node "$here/client.mjs" --email b@example.com --peer a@example.com "127.0.0.1:$port"
node "$here/client.mjs" --email a@example.com --peer b@example.com --ask 20000000 "127.0.0.1:$port" | tee "$work/asked"
until_ok grep -q answered "$work/answering.out"
cat "$work/answering.out"
grep -q 'got 20000000 bytes.*over \(direct\|webrtc\); signaling by switchboard' "$work/asked"
[ "$(grep -o 'sha256 [0-9a-f]*' "$work/asked")" = "$(grep -o 'sha256 [0-9a-f]*' "$work/answering.out")" ]
echo ok
