#!/usr/bin/env bash
# A file of 20 MB from one program to another. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

start_relay
head -c 20000000 /dev/urandom > "$work/file"
node "$here/drop.mjs" --email b@example.com --server "$server" --peer a@example.com --receive "$work/copy" & receiver=$!
started+=($receiver)
node "$here/drop.mjs" --email a@example.com --server "$server" --peer b@example.com --send "$work/file"
wait $receiver
cmp "$work/file" "$work/copy"
echo ok
