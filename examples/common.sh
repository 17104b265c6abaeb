# What every try.sh begins with: where hotlink is, a temporary directory, and an end that leaves nothing behind. Sourced by bash.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
if [ -z "${HOTLINK:-}" ]; then
  HOTLINK=hotlink
  [ -f "$here/../../dist/src/cli/main.js" ] && HOTLINK="node $here/../../dist/src/cli/main.js"
fi
work=$(mktemp -d)
started=()
leave() {
  # Last come, first gone: the relay sees everybody off.
  for ((i = ${#started[@]} - 1; i >= 0; i--)); do kill "${started[i]}" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
  rm -rf "$work"
}
trap leave EXIT

# A port that was free a moment ago.
free_port() { node -e "const s = require('net').createServer().listen(0, '127.0.0.1', () => { console.log(s.address().port); s.close(); })"; }

# Runs a command in the background; its output goes to $work/NAME.out and .err.
start() {
  local name=$1
  shift
  "$@" > "$work/$name.out" 2> "$work/$name.err" &
  started+=($!)
}

# Waits until a command succeeds; after 30 s shows what everybody said.
until_ok() {
  for ((i = 0; i < 300; i++)); do
    if "$@" > /dev/null 2>&1; then return; fi
    sleep 0.1
  done
  tail -n 20 "$work"/*.out "$work"/*.err >&2
  echo "not within 30 s: $*" >&2
  exit 1
}

# A relay that believes everybody's name, for one machine only; sets $server.
start_relay() {
  # shellcheck disable=SC2086
  start relay $HOTLINK relay --listen 127.0.0.1:0
  until_ok grep -q listening "$work/relay.out"
  server=$(sed 's/^listening //' "$work/relay.out")
}
