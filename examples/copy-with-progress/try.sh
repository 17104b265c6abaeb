#!/usr/bin/env bash
# A file of 30 MB, with progress at both ends. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

start_relay
head -c 30000000 /dev/urandom > "$work/file"
mkdir "$work/there"
start receiver node "$here/copy.mjs" --email b@example.com --server "$server" --peer a@example.com --into "$work/there"
node "$here/copy.mjs" --email a@example.com --server "$server" --peer b@example.com --send "$work/file" 2> "$work/progress"
until_ok grep -q '^received' "$work/receiver.out"
cmp "$work/file" "$work/there/file"
grep -q 'sent 30000000 of 30000000 bytes (100 %)' "$work/progress"
grep -q 'received 30000000 of 30000000 bytes (100 %)' "$work/receiver.err"
echo ok
