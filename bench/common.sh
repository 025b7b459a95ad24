# What the benchmarks share. Sourced with the repository as the current folder; makes $work, which is gone at the end.

work=$(mktemp -d)
pids=()
finish() {
  for pid in "${pids[@]}"; do kill "$pid" 2>/dev/null || true; done
  wait 2>/dev/null || true
  rm -rf "$work"
}
trap finish EXIT
trap 'exit 130' INT TERM

target=${CARGO_TARGET_DIR:-$PWD/target}

# PARLOR_BIN names a Parlor that is built already.
build() {
  scripts/install-packages bench
  if [ -z "${PARLOR_BIN:-}" ]; then scripts/build-release; fi
  cargo build --release --locked --manifest-path bench/hello/Cargo.toml --target-dir "$target/bench-hello"
}

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

# serve PORT [PROCESSOR]: a Parlor with an empty data folder.
serve() {
  local run=()
  if [ -n "${2:-}" ]; then run=(on "$2"); fi
  (PARLOR_BIND=127.0.0.1:$1 PARLOR_DATA_DIR=$work/data PARLOR_RATE_LIMITS=off \
    "${run[@]}" "${PARLOR_BIN:-$target/release/parlor}" serve >"$work/parlor.log" 2>&1) &
  pids+=($!)
  wait_for "http://127.0.0.1:$1/live"
}
