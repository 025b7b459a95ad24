#!/usr/bin/env bash
# GET /api/v1/me of a release Parlor beside a bare axum server, in one run, with each credential: a session cookie, an
# access token, an API key. Requests per second, their ratio to the bare server, the processor time of one request.
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

source bench/common.sh
build

# Register and log in; prints a header for each credential, as NAME=HEADER.
credentials() {
  python3 - "$1" <<'PYTHON'
import json, sys, urllib.error, urllib.request

def post(path, body, **headers):
    headers["content-type"] = "application/json"
    url = sys.argv[1] + "/api/v1/" + path
    return urllib.request.urlopen(urllib.request.Request(url, json.dumps(body).encode(), headers))

account = {"email": "bench@example.com", "password": "correct horse battery staple"}
post("auth/register", account)
answer = post("auth/login", account, **{"x-session": "cookie"})
cookies = [line.split(";")[0] for line in answer.headers.get_all("set-cookie")]
token = json.load(answer)["access_token"]
print("cookie=Cookie: " + next(line for line in cookies if "parlor_session=" in line))
print("token=Authorization: Bearer " + token)
try:
    key = json.load(post("me/api-keys", {"name": "bench"}, authorization="Bearer " + token))
    print("key=Authorization: Bearer " + key["key"])
except urllib.error.HTTPError as error:
    print(f"no API key: POST /me/api-keys answers {error.code}", file=sys.stderr)
PYTHON
}

# Processor time of a process so far, user and system, in clock ticks.
ticks() { sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'; }

# measure NAME PID URL [HEADER]: rounds of load; leaves "requests/s µs/request" of the best round in $work/NAME.best.
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
wait_for "http://127.0.0.1:$hello_port/"
parlor_port=$(free_port)
serve "$parlor_port" 0
credentials "http://127.0.0.1:$parlor_port" >"$work/credentials"

measure hello "${pids[0]}" "http://127.0.0.1:$hello_port/"
while IFS='=' read -r name header; do
  measure "$name" "${pids[1]}" "http://127.0.0.1:$parlor_port/api/v1/me" "$header"
done <"$work/credentials"

read -r hello_rate hello_cpu <"$work/hello.best"
printf '\n%-24s %12s %14s %8s\n' "" "requests/s" "µs processor" "ratio"
printf '%-24s %12s %13s %8s\n' "bare axum" "$hello_rate" "$hello_cpu" "1.00"
while IFS='=' read -r name _; do
  read -r rate cpu <"$work/$name.best"
  ratio=$(awk -v a="$rate" -v b="$hello_rate" 'BEGIN { printf "%.2f", a / b }')
  printf '%-24s %12s %13s %8s\n' "GET /api/v1/me, $name" "$rate" "$cpu" "$ratio"
done <"$work/credentials"
