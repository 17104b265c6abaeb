#!/usr/bin/env bash
# Two Redis servers on this machine, one of them following the other through hotlink. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

command -v redis-server > /dev/null || { echo "redis-server is not installed" >&2; exit 69; }
port_a=$(free_port)
port_b=$(free_port)
mkdir "$work/a" "$work/b"
start redis-a redis-server --port "$port_a" --bind 127.0.0.1 --save '' --dir "$work/a" --repl-diskless-sync-delay 0
start redis-b redis-server --port "$port_b" --bind 127.0.0.1 --save '' --dir "$work/b"
until_ok redis-cli -p "$port_a" ping
until_ok redis-cli -p "$port_b" ping
start_relay

# shellcheck disable=SC2086
start a $HOTLINK forward --email a@example.com --server "$server" --data "$work/a" --peer b@example.com --name redis --dial "127.0.0.1:$port_a"
# shellcheck disable=SC2086
start b $HOTLINK forward --email b@example.com --server "$server" --data "$work/b" --peer a@example.com --name redis --listen 127.0.0.1:0
until_ok grep -q listening "$work/b.out"
forwarded=$(sed 's/^listening 127.0.0.1://' "$work/b.out")

redis-cli -p "$port_a" set before "written before B followed" > /dev/null
redis-cli -p "$port_b" replicaof 127.0.0.1 "$forwarded" > /dev/null
until_ok sh -c "redis-cli -p $port_b get before | grep -q 'before B followed'"
redis-cli -p "$port_a" set after "written while B follows" > /dev/null
until_ok sh -c "redis-cli -p $port_b get after | grep -q 'while B follows'"
# shellcheck disable=SC2086
$HOTLINK status --data "$work/b"
echo ok
