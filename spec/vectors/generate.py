#!/usr/bin/env python3
"""Writes every test vector of the specification, or with --check compares them with the files here.

It shares no code with the Rust project and needs nothing but Python's standard library: what both agree on is in the
specification. See ../README.md.
"""

import os
import sys

# Bytecode beside the sources would be one more thing to ignore.
sys.dont_write_bytecode = True

from gen import (artifacts, chains, heads, imports, manifests, maps, metadatas, output, roots, signatures,  # noqa: E402
                 texts, whole)

HERE = os.path.dirname(os.path.abspath(__file__))


def main(arguments):
    areas = [artifacts.area(), metadatas.area(), manifests.area(), imports.area(), texts.names(), texts.versions(),
             texts.capabilities(), signatures.keys(), signatures.minisigs(), roots.roots(), chains.chains(),
             chains.resolutions(), heads.heads(), maps.maps(), maps.logs(), whole.area()]
    if arguments == ["--check"]:
        different = output.differences(HERE, areas)
        for path in different:
            print(f"differs from what is generated: {path}", file=sys.stderr)
        return 1 if different else 0
    if arguments:
        print("usage: generate.py [--check]", file=sys.stderr)
        return 2
    output.write(HERE, areas)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
