#!/usr/bin/env bash
# How fast a large artifact is verified: our own verifier against C minisign and against hashing alone.
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export ZERO_HOME="$work/zero"
mkdir -p "$ZERO_HOME"

# A module whose data segment holds 192 MiB that do not compress.
python3 - "$work/big.wasm" <<'PY'
import hashlib, sys
def leb(n):
    out = bytearray()
    while True:
        byte, n = n & 0x7F, n >> 7
        out.append(byte | (0x80 if n else 0))
        if not n: return bytes(out)
def section(kind, body): return bytes([kind]) + leb(len(body)) + body
data = hashlib.shake_256(b"zero").digest(192 << 20)
pages = (len(data) >> 16) + 1
with open(sys.argv[1], "wb") as f:
    f.write(b"\0asm\x01\0\0\0")
    f.write(section(5, b"\x01\x00" + leb(pages)))
    f.write(section(11, b"\x01\x00\x41\x00\x0b" + leb(len(data)) + data))
PY
cat >"$work/Zero.toml" <<'TOML'
[package]
name = "big"
version = "1.0.0"
description = "A large module"
license = "MIT"

[build]
kind = "module"
module = "big.wasm"
TOML

cargo-zero key generate --no-password >/dev/null
cargo-zero build --manifest-path "$work/Zero.toml" -o "$work/big.zero" >/dev/null
# C minisign makes its own detached signature for its own turn.
printf '\n\n' | minisign -G -W -f -p "$work/peer.pub" -s "$work/peer.key" >/dev/null
minisign -S -s "$work/peer.key" -m "$work/big.zero" >/dev/null </dev/null
stat -c %s "$work/big.zero" >"$work/size"

hyperfine -N --warmup 2 --runs 10 --export-json "$work/verify.json" \
  -n 'cargo-zero verify' "cargo-zero verify $work/big.zero" \
  -n 'minisign -V' "minisign -V -q -p $work/peer.pub -m $work/big.zero" \
  -n 'sha256sum' "sha256sum $work/big.zero" \
  -n 'cksum (reads the file)' "cksum $work/big.zero"
python3 benches/table.py verify "$work"
