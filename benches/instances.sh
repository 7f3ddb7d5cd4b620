#!/usr/bin/env bash
# Instances of a small module a second on one core: zrun as a library against wasmtime alone, in one process.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo bench --quiet -p zrun --all-features --bench instances | tee "$work/raw"
python3 benches/table.py instances "$work/raw"
