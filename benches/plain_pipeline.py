#!/usr/bin/env python3
"""The pipeline written the plain way, which `cargo zero harvest` is measured against: one process for each step.

    plain_pipeline.py SOURCE_DIR OUT.jsonl [--jobs N]

For each .c file: the functions that a documentation comment stands before, found with a regular expression; one run of
clang; for each function one run of wasm-ld and one of `wasm-tools print`. Prints a JSON object: how many functions, how
many modules, how many of them hold the function (`--allow-undefined` lets it be missing without a word, and so it does
for each that is static: these are no records), and how long it took.
"""
import argparse
import concurrent.futures
import json
import os
import re
import subprocess
import tempfile
import time
from pathlib import Path

FUNCTION = re.compile(
    r"(/\*[*!](?:[^*]|\*(?!/))*\*/|(?:^[ \t]*//[/!].*\n)+)\s*"  # a documentation comment
    r"(?:[A-Za-z_][\w \t\n*]*?)\b([A-Za-z_]\w*)\s*"  # type and name
    r"\((?:[^;{}()]|\([^()]*\))*\)\s*\{",  # parameters, and the body begins
    re.MULTILINE,
)
NO_NAMES = {"if", "for", "while", "switch", "return", "sizeof"}
CLANG = ["clang-19", "--target=wasm32-wasi", "-nostdlibinc", "-isystem", "/usr/include/wasm32-wasi", "-O2", "-w",
         "-ffunction-sections", "-fdata-sections", "-c"]
LINK = ["wasm-ld-19", "--no-entry", "--gc-sections", "--allow-undefined", "--strip-debug", "-L/usr/lib/wasm32-wasi"]


def words(comment):
    lines = (re.sub(r"^\s*(/\*[*!]|\*/|\*|//[/!])", "", line) for line in comment.splitlines())
    return " ".join(" ".join(lines).replace("*/", "").split())


def succeeds(command):
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def records(source, folders):
    text = source.read_text(errors="replace")
    found = [(name, words(comment)) for comment, name in FUNCTION.findall(text) if name not in NO_NAMES]
    made = []
    with tempfile.TemporaryDirectory() as work:
        unit, module = f"{work}/unit.o", f"{work}/module.wasm"
        if found and succeeds([*CLANG, *(f"-I{folder}" for folder in folders), str(source), "-o", unit]):
            for name, instruction in found:
                if succeeds([*LINK, f"--export={name}", unit, "-lc", "-o", module]):
                    printed = subprocess.run(["wasm-tools", "print", module], capture_output=True, text=True, check=False)
                    if printed.returncode == 0:
                        made.append({"name": name, "instruction": instruction, "output": printed.stdout})
    return len(found), made


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("source", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    begun = time.monotonic()
    folders = sorted({str(header.parent) for header in args.source.rglob("*.h")})
    sources = sorted(args.source.rglob("*.c"))
    functions = modules = written = 0
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool, args.out.open("w") as out:
        for found, made in pool.map(lambda source: records(source, folders), sources):
            functions += found
            modules += len(made)
            for record in made:
                if f'(export "{record["name"]}" (func' in record["output"]:
                    written += 1
                    out.write(json.dumps(record) + "\n")
    seconds = time.monotonic() - begun
    print(json.dumps({"functions": functions, "modules": modules, "records": written, "seconds": seconds}))


if __name__ == "__main__":
    main()
