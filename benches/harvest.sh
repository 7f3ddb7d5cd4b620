#!/usr/bin/env bash
# Documented C to records: the harvest against the pipeline written the plain way, and against clang alone; how it scales
# with jobs; what memory it takes for more repositories; what becomes of the functions of real libraries.
set -euo pipefail
cd "$(dirname "$0")/.."
benches=$PWD/benches
sources=${ZERO_BENCH_SOURCES:-$HOME/.cache/zero-bench/sources}
"$benches/sources.sh" "$sources" >/dev/null
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
harvest() { cargo-zero --json harvest --licenses any --keep-duplicates --format jsonl "$@"; }

# What all three are given: the sources of libraries whose flags are a folder of headers at most.
for library in libzstd lz4 brotli utf8proc; do
  mkdir -p "$work/unpacked/$library" && tar -xf "$sources/$library"_*.orig.tar.* --strip-components 1 -C "$work/unpacked/$library"
done
mkdir -p "$work/c/"{zstd,lz4,brotli,utf8proc}
cp -r "$work/unpacked/libzstd/lib" "$work/c/zstd/lib"
rm -rf "$work/c/zstd/lib/"{legacy,deprecated}
cp -r "$work/unpacked/lz4/lib" "$work/c/lz4/lib"
cp -r "$work/unpacked/brotli/c" "$work/c/brotli/c"
rm -rf "$work/c/brotli/c/"{tools,fuzz}
cp "$work/unpacked/utf8proc/"{utf8proc.c,utf8proc.h,utf8proc_data.c} "$work/c/utf8proc/"
libraries=("$work/c/zstd" "$work/c/lz4" "$work/c/brotli" "$work/c/utf8proc")

for jobs in 1 2; do
  harvest "${libraries[@]}" --verify L1 --jobs $jobs --out "$work/l1-$jobs" >"$work/l1-$jobs.json"
done
harvest "${libraries[@]}" --jobs 2 --out "$work/l2" >"$work/l2.json"
for library in zstd lz4 brotli utf8proc; do
  python3 "$benches/plain_pipeline.py" "$work/c/$library" "$work/plain-$library.jsonl" --jobs 2 >"$work/plain-$library.json"
done

# clang alone: the same units with the same flags, as records say them.
cat >"$work/alone.py" <<'PY'
import concurrent.futures, glob, json, os, subprocess, sys, time
work, jobs = sys.argv[1], int(sys.argv[2])
flags = {}
for path in glob.glob(f"{work}/l1-2/data/*.jsonl"):
    for line in open(path, encoding="utf-8"):
        record = json.loads(line)
        flags[record["provenance"]["repo"]] = record["build"]["flags"]
recipes = {"zstd": "lib/*/*.c", "lz4": "lib/*.c", "brotli": "c/*/*.c", "utf8proc": "utf8proc.c"}
units = []
for repo, pattern in recipes.items():
    root = f"{work}/c/{repo}"
    words = [flag.replace("{root}", root) for flag in flags[repo]]
    for source in sorted(glob.glob(f"{root}/{pattern}")):
        units.append(["clang-19", *words, "-isystem", "/usr/include/wasm32-wasi", "-g", "-c", "-o", f"{work}/alone-{len(units)}.o", source])
begun = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
    assert not any(pool.map(lambda command: subprocess.run(command, check=False).returncode, units))
print(json.dumps({"units": len(units), "seconds": time.monotonic() - begun}))
PY
python3 "$work/alone.py" "$work" 2 >"$work/alone.json"

# Slicing and printing alone: many functions that reach nothing else.
mkdir -p "$work/small"
{
  echo '/* SPDX-License-Identifier: MIT */'
  for number in $(seq 1000); do
    printf '/** Adds a number and %s to another. */\nint add%s(int a, int b) { int s = 0; for (int j = 0; j < a; j++) s += b * %s + (s >> 3); return s; }\n' "$number" "$number" "$number"
  done
} >"$work/small/small.c"
harvest "$work/small" --verify L1 --jobs 1 --out "$work/small-out" >"$work/small.json"

# Memory: more and more repositories of one small library each.
for count in 10 100 1000; do
  for number in $(seq "$count"); do
    mkdir -p "$work/many/library-$number"
    printf '/* SPDX-License-Identifier: MIT */\n/** Adds a number and %s to another. */\nint add(int a, int b) { return a + b + %s; }\n' \
      "$number" "$number" >"$work/many/library-$number/a.c"
  done
  find "$work/many" -mindepth 1 -maxdepth 1 | sort >"$work/many-$count.txt"
  # Of the process itself, without those of clang.
  python3 - "$work/many-$count.txt" "$work/many-out-$count" >"$work/peak-$count" <<'PY'
import subprocess, sys, time
command = ["cargo-zero", "--quiet", "harvest", f"@{sys.argv[1]}", "--verify", "L1", "--out", sys.argv[2]]
child, peak = subprocess.Popen(command, stdout=subprocess.DEVNULL), 0
while child.poll() is None:
    try:
        for line in open(f"/proc/{child.pid}/status"):
            if line.startswith("VmHWM"):
                peak = int(line.split()[1]) * 1024
    except OSError:
        pass
    time.sleep(0.02)
assert child.returncode == 0
print(peak)
PY
done

# Real libraries, each with its recipe.
ls "$sources"/*.orig.tar.* >"$work/real.txt"
harvest "@$work/real.txt" --jobs 2 --out "$work/real" >"$work/real.json"
python3 "$benches/table.py" harvest "$work"
