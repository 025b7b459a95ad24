#!/usr/bin/env bash
# GET /api/v1/me of a release Parlor beside a bare axum server, in one run: requests per second of both, their ratio,
# and the processor time of one request.
#
# usage: bench/me.sh [SECONDS]      seconds of each round (default 10; three rounds, the best counts)
#
# Each server gets one processor and the load generator another, so that they do not take each other's time; on a
# machine with one processor they share it, and only the ratio means something. 16 connections, kept alive.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;; esac
seconds=${1:-10}
rounds=3
connections=16

scripts/install-packages bench
scripts/build-release
target=${CARGO_TARGET_DIR:-$PWD/target}
cargo build --release --locked --manifest-path bench/hello/Cargo.toml --target-dir "$target/bench-hello"

work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

free_port() {
  python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'
}

# on PROCESSOR COMMAND…: run it there, when there is more than one.
on() {
  local processor=$1
  shift
  if [ "$(nproc)" -gt 1 ]; then exec taskset -c "$processor" "$@"; else exec "$@"; fi
}

wait_for() {
  for _ in $(seq 500); do
    if python3 -c "import urllib.request as u; u.urlopen('$1', timeout=1)" 2>/dev/null; then return 0; fi
    sleep 0.02
  done
  echo "$1 does not answer" >&2
  if [ -f "$work/parlor.log" ]; then tail -20 "$work/parlor.log" >&2; fi
  return 1
}

# Register and log in; prints the access token.
sign_in() {
  python3 - "$1" <<'PYTHON'
import json, sys, urllib.request

def post(path, body):
    request = urllib.request.Request(sys.argv[1] + "/api/v1/auth/" + path, json.dumps(body).encode(), {"content-type": "application/json"})
    return json.load(urllib.request.urlopen(request))

account = {"email": "bench@example.com", "password": "correct horse battery staple"}
post("register", account)
print(post("login", account)["access_token"])
PYTHON
}

# Processor time of a process so far, user and system, in clock ticks.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# measure NAME PID URL [HEADER]: rounds of load; leaves "requests/s µs/request" of the best round in $work/NAME.
measure() {
  local name=$1 pid=$2 url=$3 header=${4:-accept: */*} before after out requests rate
  for round in $(seq "$rounds"); do
    before=$(ticks "$pid")
    out=$(on 1 wrk -t1 -c"$connections" -d"${seconds}s" -H "$header" "$url")
    after=$(ticks "$pid")
    if grep -E 'Non-2xx|Socket errors' <<<"$out" >&2; then echo "$name answered with errors: no measurement" >&2 && exit 1; fi
    requests=$(awk '/requests in/ { print $1 }' <<<"$out")
    rate=$(awk '/^Requests\/sec/ { print $2 }' <<<"$out")
    awk -v rate="$rate" -v ticks=$((after - before)) -v hz="$(getconf CLK_TCK)" -v requests="$requests" \
      'BEGIN { printf "%.0f %.1f\n", rate, ticks / hz * 1e6 / requests }' >>"$work/$name"
    echo "$name, round $round: $(tail -1 "$work/$name" | awk '{ print $1 " requests/s, " $2 " µs of processor each" }')" >&2
  done
  sort -rn "$work/$name" | head -1 >"$work/$name.best"
}

hello_port=$(free_port)
(on 0 "$target/bench-hello/release/hello" "$hello_port") &
pids+=($!)
parlor_port=$(free_port)
(PARLOR_BIND=127.0.0.1:$parlor_port PARLOR_DATA_DIR=$work/data PARLOR_RATE_LIMITS=off \
  on 0 "$target/release/parlor" serve >"$work/parlor.log" 2>&1) &
pids+=($!)

wait_for "http://127.0.0.1:$hello_port/"
wait_for "http://127.0.0.1:$parlor_port/live"
token=$(sign_in "http://127.0.0.1:$parlor_port")

measure hello "${pids[0]}" "http://127.0.0.1:$hello_port/"
measure parlor "${pids[1]}" "http://127.0.0.1:$parlor_port/api/v1/me" "Authorization: Bearer $token"

read -r hello_rate hello_cpu <"$work/hello.best"
read -r me_rate me_cpu <"$work/parlor.best"
printf '\n%-22s %12s %14s\n' "" "requests/s" "µs processor"
printf '%-22s %12s %13s\n' "bare axum" "$hello_rate" "$hello_cpu"
printf '%-22s %12s %13s\n' "GET /api/v1/me" "$me_rate" "$me_cpu"
awk -v a="$me_rate" -v b="$hello_rate" 'BEGIN { printf "%-22s %12.2f\n", "ratio", a / b }'
