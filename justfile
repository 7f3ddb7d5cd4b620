# Shortcuts; everything lives in xtask.

# list the recipes
default:
    @just --list

# what CI runs
ci:
    .ci/run

# the main job, end to end
demo:
    cargo xtask demo

# everything that must pass
test:
    cargo xtask test

# format and lints only
lint:
    cargo xtask lint

# measure against other programs
bench *name:
    cargo xtask bench {{name}}

# format in place
fmt:
    cargo fmt --all

# the spec's vectors, generated again
vectors:
    python3 spec/vectors/generate.py
