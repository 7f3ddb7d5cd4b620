#!/bin/sh
# Fuzzes every decoder for some seconds, with the test vectors as seeds. Needs a C++ compiler; any toolchain will do:
# with nightly `cargo fuzz run TARGET` adds the address sanitizer.
#
#   fuzz/run.sh [SECONDS [TARGET…]]      a crash is kept in fuzz/artifacts/TARGET/
set -eu
cd "$(dirname "$0")"
seconds=${1:-10}
[ $# -gt 0 ] && shift
[ $# -gt 0 ] || set -- $(cd fuzz_targets && ls *.rs | sed 's/\.rs$//')

host=$(rustc -vV | sed -n 's/^host: //p')
coverage="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
-Cllvm-args=-sanitizer-coverage-trace-compares"
# With --target the flags stay away from build scripts and procedural macros.
RUSTFLAGS="$coverage -Ccodegen-units=1 --cfg fuzzing" cargo build --target "$host" --bins
target=${CARGO_TARGET_DIR:-target}/$host/debug

vectors=../spec/vectors
seeds() {
    case $1 in
    artifact_decode) echo $vectors/artifact ;;
    chain) echo $vectors/chain ;;
    checkpoint) echo $vectors/head $vectors/log $vectors/registry/base ;;
    files_tar) echo $vectors/artifact ;;
    head) echo $vectors/head ;;
    imports) echo $vectors/import $vectors/artifact ;;
    key_parse) echo $vectors/key ;;
    manifest_parse) echo $vectors/manifest ;;
    map_page) echo $vectors/map ;;
    metadata_decode) echo $vectors/metadata ;;
    minisig_parse) echo $vectors/minisig ;;
    proof) echo $vectors/head ;;
    requests) echo $vectors/manifest ;;
    root) echo $vectors/root ;;
    wat_check) echo ../zero-model/tests/corpus ;;
    esac
}

for name; do
    mkdir -p "corpus/$name" "artifacts/$name"
    echo "$name: $seconds s"
    # shellcheck disable=SC2046 # the folders have no spaces
    "$target/$name" -max_total_time="$seconds" -max_len=65536 -timeout=10 -rss_limit_mb=4096 \
        -artifact_prefix="artifacts/$name/" -print_final_stats=0 -verbosity=1 "corpus/$name" $(seeds "$name") \
        2>"artifacts/$name/log" || { tail -30 "artifacts/$name/log"; exit 1; }
    tail -1 "artifacts/$name/log"
done
