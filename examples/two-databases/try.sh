#!/usr/bin/env bash
# Two Redis servers on this machine, one of them following the other through hotlink. Ends with `ok`.
. "$(dirname "$0")/../common.sh"

command -v redis-server > /dev/null || { echo "redis-server is not installed" >&2; exit 69; }
# A's database has a port, which hotlink dials; B's has none. Each is asked over its own socket, where no other program can answer for it.
mkdir "$work/a" "$work/b"
redis_a() { redis-cli -s "$work/a/redis.sock" "$@"; }
redis_b() { redis-cli -s "$work/b/redis.sock" "$@"; }
start_a() {
  port_a=$(free_port)
  start redis-a redis-server --port "$port_a" --bind 127.0.0.1 --unixsocket "$work/a/redis.sock" --save '' --dir "$work/a" --repl-diskless-sync-delay 0
  pid_a=$!
}
# Another program may take the port before Redis does, which then ends: with another port, again.
a_is_up() { redis_a ping || { kill -0 "$pid_a" || start_a; false; }; }
start_a
until_ok a_is_up
start redis-b redis-server --port 0 --unixsocket "$work/b/redis.sock" --save '' --dir "$work/b"
until_ok redis_b ping
start_relay

# shellcheck disable=SC2086
start a $HOTLINK forward --email a@example.com --server "$server" --data "$work/a" --peer b@example.com --name redis --dial "127.0.0.1:$port_a"
# shellcheck disable=SC2086
start b $HOTLINK forward --email b@example.com --server "$server" --data "$work/b" --peer a@example.com --name redis --listen 127.0.0.1:0
until_ok grep -q listening "$work/b.out"
forwarded=$(sed 's/^listening 127.0.0.1://' "$work/b.out")

redis_a set before "written before B followed" > /dev/null
redis_b replicaof 127.0.0.1 "$forwarded" > /dev/null
followed() { redis_b get "$1" | grep -q "$2"; }
until_ok followed before 'before B followed'
redis_a set after "written while B follows" > /dev/null
until_ok followed after 'while B follows'
# shellcheck disable=SC2086
$HOTLINK status --data "$work/b"
echo ok
