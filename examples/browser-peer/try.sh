#!/usr/bin/env bash
# The page in a Chromium without a window, against a daemon on this machine: 8 MB there and back over WebRTC. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome)
# As root, which containers are, it starts only without its sandbox; it sees nothing but this page.
sandbox=()
[ "$(id -u)" != 0 ] || sandbox=(--no-sandbox)

start serve node "$here/serve.mjs" --listen 127.0.0.1:0
start echo node "$here/echo.mjs"
until_ok grep -q listening "$work/serve.out"
until_ok grep -q listening "$work/echo.out"
server=$(sed 's/^listening //' "$work/serve.out")
port=$(sed 's/^listening //' "$work/echo.out")
# shellcheck disable=SC2086
start forward $HOTLINK forward --email bob@example.com --server "$server" --data "$work/bob" \
  --peer page@example.com --name echo --dial "127.0.0.1:$port"
until_ok grep -q dialling "$work/forward.out"

# Its caches go where everything else goes.
HOME=$work TMPDIR=$work XDG_RUNTIME_DIR=$work "$chromium" --headless=new "${sandbox[@]}" --user-data-dir="$work/profile" --remote-debugging-port=0 \
  "$server/?email=page@example.com&peer=bob@example.com&name=echo&lanes=webrtc" > "$work/chromium.out" 2> "$work/chromium.err" &
browser=$!
started+=($browser)
until_ok grep -q . "$work/profile/DevToolsActivePort"
devtools=$(head -n 1 "$work/profile/DevToolsActivePort")
title() { node -e "fetch('http://127.0.0.1:$devtools/json').then((answer) => answer.json()).then((pages) => console.log(pages.find(({ type }) => type === 'page')?.title))"; }
over() { title | grep -qx 'ok\|failed'; }
until_ok over
[ "$(title)" = ok ]
# It may be writing to its profile until its last process is gone.
kill $browser
wait $browser || true
until_ok rm -rf "$work/profile"
echo ok
