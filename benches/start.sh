#!/usr/bin/env bash
# How long a program that prints one line takes, as a whole process: zrun, wasmtime with its cache, wasmer if installed,
# and /bin/true as the floor. Everyone runs the same .zero file. zrun verifies its signature the first time and proves
# with a keyed receipt afterwards that nothing changed; the others verify nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ZERO_HOME="$work/zero" XDG_CACHE_HOME="$work/cache" WASMER_DIR="$work/wasmer" WASMER_CACHE_DIR="$work/wasmer/cache"
mkdir -p "$ZERO_HOME" "$XDG_CACHE_HOME" "$WASMER_DIR"

cargo-zero key generate --no-password >/dev/null
cargo-zero build --manifest-path examples/hello-wat/Zero.toml -o "$work/hello.zero" >/dev/null

# hyperfine -N starts the programs without a shell between.
warm=(-N --warmup 20 --runs 300)
cold=(-N --runs 30)
names=('zrun hello.zero' 'zrun --version' 'wasmtime run' 'wasmtime --version' '/bin/true')
lines=("zrun $work/hello.zero" 'zrun --version' "wasmtime run -C cache=y $work/hello.zero" 'wasmtime --version' '/bin/true')
if command -v wasmer >/dev/null; then
  # wasmer goes by the file's extension.
  cp "$work/hello.zero" "$work/hello.wasm"
  names+=('wasmer run')
  lines+=("wasmer run $work/hello.wasm")
fi
for line in "${lines[@]}"; do $line >/dev/null; done

args=()
for i in "${!names[@]}"; do args+=(-n "${names[$i]}" "${lines[$i]}"); done
hyperfine "${warm[@]}" --export-json "$work/warm.json" "${args[@]}"

forget="rm -rf $ZERO_HOME/cache $XDG_CACHE_HOME $WASMER_DIR/cache"
args=(-n "${names[0]}" "${lines[0]}" -n "${names[2]}" "${lines[2]}")
if [ "${#names[@]}" -gt 5 ]; then args+=(-n "${names[5]}" "${lines[5]}"); fi
hyperfine "${cold[@]}" --prepare "$forget" --export-json "$work/cold.json" "${args[@]}"
python3 benches/table.py start "$work"
