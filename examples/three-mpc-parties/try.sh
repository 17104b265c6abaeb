#!/usr/bin/env bash
# Three daemons and three parties on this machine: 17 + 4 + 21. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

start_relay
emails=(a@example.com b@example.com c@example.com)
parties=$(IFS=,; echo "${emails[*]}")
bases=()
applications=()
for me in 0 1 2; do
  # Three ports in a row: the parties' own stays unused.
  bases[me]=$(node -e "
    const { createServer } = require('net');
    const listen = (port) => new Promise((ok, no) => { const s = createServer().once('error', no); s.listen(port, '127.0.0.1', () => ok(s)); });
    const row = async () => {
      const first = await listen(0);
      const { port } = first.address();
      const rest = await Promise.allSettled([listen(port + 1), listen(port + 2)]);
      for (const { value } of [{ value: first }, ...rest]) value?.close();
      if (rest.some(({ status }) => status === 'rejected')) return row();
      console.log(port);
    };
    row();")
  node "$here/join.mjs" --me $me --parties "$parties" --server "$server" --data "$work/$me" --base-port "${bases[me]}"
  # shellcheck disable=SC2086
  start "up$me" $HOTLINK up --email "${emails[me]}" --server "$server" --data "$work/$me"
done
for me in 0 1 2; do
  # shellcheck disable=SC2086
  until_ok sh -c "$HOTLINK status --data $work/$me --json | grep -c '\"listening\":true,.*\"listening\":true'"
done
values=(17 4 21)
for me in 0 1 2; do
  node "$here/party.mjs" --me $me --parties 3 --base-port "${bases[me]}" --value "${values[me]}" > "$work/sum$me" &
  applications+=($!)
done
for pid in "${applications[@]}"; do wait "$pid"; done
cat "$work"/sum?
[ "$(sort -u "$work"/sum?)" = "sum 42" ]
echo ok
