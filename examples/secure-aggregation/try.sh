#!/usr/bin/env bash
# A relay, three daemons and three parties on this machine: the counts of the README, with some of a key exchange first, then 100,000 elements
# over the same channels. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

# A base for BioVault's six ports, below those that the system gives to connections.
base=$(node -e "
  const { createServer } = require('net');
  const free = (port) => new Promise((ok) => { const s = createServer().once('error', () => ok(false)); s.listen(port, '127.0.0.1', () => s.close(() => ok(true))); });
  (async () => {
    for (;;) {
      const base = 20000 + Math.floor(Math.random() * 10000);
      const all = await Promise.all([1, 2, 1001, 1003, 2002, 2003].map((offset) => free(base + offset)));
      if (all.every(Boolean)) return console.log(base);
    }
  })();")

start_relay
emails=(aggregator@sandbox.local client1@sandbox.local client2@sandbox.local)
all=$(IFS=,; echo "${emails[*]}")
declare -a addresses
for me in 0 1 2; do
  addresses[me]=$(node "$here/markers.mjs" --party $me --emails "$all" --server "$server" --data "$work/$me" --base-port "$base" --run try | tr '\n' ' ')
  # shellcheck disable=SC2086
  start "up$me" $HOTLINK up --email "${emails[me]}" --server "$server" --data "$work/$me"
done
for me in 0 1 2; do
  # shellcheck disable=SC2086
  until_ok sh -c "$HOTLINK status --data $work/$me --json | grep -c '\"listening\":true,.*\"listening\":true'"
done

# Runs the three parties with what the owners are given in common; each has its own counts.
aggregate() {
  local name=$1 parties=()
  shift
  for me in 0 1 2; do
    local owner=()
    [ $me = 0 ] || owner=(--counts "$work/$name$me.json" "$@")
    # shellcheck disable=SC2086
    node "$here/party.mjs" --party $me ${addresses[me]} --out "$work/$name.result$me" "${owner[@]}" > "$work/$name.out$me" &
    parties+=($!)
  done
  for pid in "${parties[@]}"; do wait "$pid"; done
  cat "$work/$name.out1"
}

echo '[1, 0, 2]' > "$work/small1.json"
echo '[2, 3, 2]' > "$work/small2.json"
aggregate small --key-exchange 31
for me in 0 1 2; do [ "$(cat "$work/small.result$me")" = '[3, 3, 4]' ]; done

node -e "
  const { randomFillSync } = require('crypto'), { writeFileSync } = require('fs');
  const [one, two] = [0, 1].map(() => randomFillSync(new BigUint64Array(100000)));
  const write = (name, numbers) => writeFileSync('$work/' + name, '[' + numbers.join(', ') + ']\n');
  write('large1.json', one);
  write('large2.json', two);
  write('large.expected', one.map((number, at) => number + two[at]));"
aggregate large
for me in 0 1 2; do cmp "$work/large.expected" "$work/large.result$me"; done
echo ok
