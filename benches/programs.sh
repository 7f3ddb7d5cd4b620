#!/usr/bin/env bash
# Whole processes that do something, zrun against wasmtime's command line of the same version: starting programs of half a
# megabyte, as a module and as a component, with everything cached and with nothing; computing; opening many files and
# sending and receiving many small messages under zrun's policy. Everyone runs the same .zero file, wasmtime with its cache where it has one.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
sink=
trap '[ -z "$sink" ] || kill "$sink"; rm -rf "$work"' EXIT
export ZERO_HOME="$work/zero" XDG_CACHE_HOME="$work/cache"
mkdir -p "$ZERO_HOME" "$XDG_CACHE_HOME" "$work/raw" "$work/data"
cargo-zero key generate --no-password >/dev/null

# csvstat as a module and as a component, from one source.
cp -r examples/csvstat "$work/module"
rm -rf "$work/module/target"
sed -i 's/^version = .*/version = "1.2.3"/; s/^memory = .*/memory = "64 MiB"/' "$work/module/Zero.toml"
cp -r "$work/module" "$work/component"
sed -i 's/^target = .*/target = "wasm32-wasip2"/' "$work/component/Zero.toml"
for kind in module component; do
  CARGO_TARGET_DIR="$work/target" cargo-zero build --manifest-path "$work/$kind/Zero.toml" -o "$work/$kind.zero" >/dev/null
done
for name in compute files; do
  mkdir "$work/$name"
  cp "benches/programs/$name.wat" "$work/$name"
  printf '[package]\nname = "%s"\nversion = "1.0.0"\ndescription = "A measurement"\nlicense = "MIT"\n\n[build]\nkind = "module"\nmodule = "%s.wat"\n' "$name" "$name" >"$work/$name/Zero.toml"
done
printf '\n[capabilities]\nfs = [{ guest = "/data", access = "read", reason = "reads a file many times" }]\n' >>"$work/files/Zero.toml"
for name in compute files; do
  cargo-zero build --manifest-path "$work/$name/Zero.toml" -o "$work/$name.zero" >/dev/null
done
cp -r tests/attacks/programs/sockets "$work/sockets"
printf '[package]\nname = "sockets"\nversion = "1.0.0"\ndescription = "A measurement"\nlicense = "MIT"\n\n[build]\ntarget = "wasm32-wasip2"\n\n[capabilities]\nnet = ["127.0.0.1"]\n' >"$work/sockets/Zero.toml"
CARGO_TARGET_DIR="$work/target" cargo-zero build --manifest-path "$work/sockets/Zero.toml" -o "$work/sockets.zero" >/dev/null
exec 3< <(exec python3 benches/sink.py)
sink=$!
read -r port <&3
printf 'a,b\n1,2\n3,4\n' >"$work/data/x.csv"
head -c 4096 /dev/zero >"$work/data/file"

cd "$work/data"
# compare NAME RUNS PREPARE ZRUN WASMTIME
compare() {
  local prepare=()
  if [ -n "$3" ]; then prepare=(--prepare "$3"); else prepare=(--warmup 5); fi
  $4 >/dev/null
  $5 >/dev/null
  hyperfine -N --runs "$2" "${prepare[@]}" --export-json "$work/raw/$1.json" -n zrun "$4" -n wasmtime "$5"
  printf '{"zrun": %s, "wasmtime": %s}' "$(python3 "$OLDPWD/benches/peak.py" $4)" "$(python3 "$OLDPWD/benches/peak.py" $5)" >"$work/raw/$1.peak"
}
wasmtime="wasmtime run -C cache=y"
for kind in module component; do
  compare "warm-$kind" 100 "" "zrun $work/$kind.zero x.csv" "$wasmtime --dir . $work/$kind.zero x.csv"
done
# Programs whose runs are short keep the code of the quick compiler; after a longer run there is better code.
python3 -c 'print("a,b"); [print(f"{n},{n}.5") for n in range(2_000_000)]' >../long.csv
for kind in module component; do
  zrun "$work/$kind.zero" ../long.csv >/dev/null
  compare "better-$kind" 100 "" "zrun $work/$kind.zero x.csv" "$wasmtime --dir . $work/$kind.zero x.csv"
done
for kind in module component; do
  compare "first-$kind" 10 "rm -rf $ZERO_HOME/cache $XDG_CACHE_HOME" "zrun $work/$kind.zero x.csv" "$wasmtime --dir . $work/$kind.zero x.csv"
done
compare compute 10 "" "zrun $work/compute.zero" "$wasmtime $work/compute.zero"
compare files 10 "" "zrun --allow-fs .:ro=/data $work/files.zero" "$wasmtime --dir .::/data $work/files.zero"
compare sockets 10 "" "zrun --allow-net 127.0.0.1 $work/sockets.zero many 127.0.0.1 $port" "$wasmtime -S inherit-network=y $work/sockets.zero many 127.0.0.1 $port"
cd "$OLDPWD"
python3 benches/table.py programs "$work/raw"
