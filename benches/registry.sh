#!/usr/bin/env bash
# What a client fetches from registries of 1 000 and 100 000 packages. Generating the large one takes minutes.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cargo bench --quiet -p zero-registry --all-features --bench registry-cost -- ${BENCH_PACKAGES:-1000 100000} | tee "$work/raw"
python3 benches/table.py registry "$work/raw"
