#!/usr/bin/env bash
# A Ray cluster of two nodes on this machine, one of which is killed in the middle: the dataset is the same to the byte.
#
#   python3 -m venv ray && ray/bin/pip install 'ray==2.*'
#   PATH="$PWD/ray/bin:$PATH" examples/harvest-on-ray/try.sh SOURCES.txt
#
# It takes some dozen sources to have something to lose.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
sources=$(realpath "$1")
work=$(mktemp -d)
nodes=()
finish() {
  for node in "${nodes[@]}"; do kill -KILL -- "-$node" 2>/dev/null || true; done
  rm -rf "$work"
}
trap finish EXIT

# Each node is a process group of its own, so that all of it can be killed as a machine that loses power.
start() {
  setsid ray start --block --disable-usage-stats --num-cpus 1 "$@" >"$work/node-${#nodes[@]}.log" 2>&1 &
  nodes+=($!)
}
port=$((20000 + RANDOM % 10000))
start --head --port "$port" --node-ip-address 127.0.0.1 --include-dashboard=false --temp-dir "$work/ray"
until ray status --address "127.0.0.1:$port" >/dev/null 2>&1; do sleep 1; done
start --address "127.0.0.1:$port"
until ray status --address "127.0.0.1:$port" 2>/dev/null | grep -q '/2.0 CPU'; do
  kill -0 "${nodes[1]}" 2>/dev/null || { cat "$work/node-1.log"; exit 1; }
  sleep 1
done
echo "two nodes are up"

cargo-zero harvest "@$sources" --out "$work/single" >"$work/single.log"
RAY_ADDRESS="127.0.0.1:$port" python3 "$here/harvest.py" "$sources" "$work/cluster" --shards 6 >"$work/cluster.log" 2>&1 &
driver=$!
until grep -q '^shard .* done' "$work/cluster.log"; do
  kill -0 "$driver" || { cat "$work/cluster.log"; exit 1; }
  sleep 0.2
done
kill -KILL -- "-${nodes[1]}"
echo "one node is dead, with its work half done: $(ls -A "$work/cluster/parts" | wc -l) parts so far"
wait "$driver" || { cat "$work/cluster.log"; exit 1; }
grep ^shard "$work/cluster.log"
diff -r "$work/single" "$work/cluster"
echo "identical: $(find "$work/single" -type f | wc -l) files, $(du -sh "$work/single" | cut -f1)"
