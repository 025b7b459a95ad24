#!/usr/bin/env bash
# Logins of a release Parlor beside the bare password hash, in one run: logins per second and their latency with 1, 8 and
# 32 clients, their ratio to Argon2id alone (same parameters, as many threads as Parlor hashes with), and how long
# GET /api/v1/me takes meanwhile.
#
# usage: bench/login.sh [SECONDS]      seconds of each part (default 10)
#
# The hashes get the whole machine, so nothing is pinned: the ratio is what a login costs beyond its hash.
set -euo pipefail
cd "$(dirname "$0")/.."

case "${1:-}" in -h | --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0" && exit 0 ;; esac

source bench/common.sh
build
port=$(free_port)
serve "$port"
"$target/bench-hello/release/login" "127.0.0.1:$port" "${1:-10}"
