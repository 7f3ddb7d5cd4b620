#!/usr/bin/env python3
"""Harvests on a Ray cluster: each shard is one task, and a task whose node dies is done again elsewhere.

    harvest.py SOURCES.txt OUT [--shards N] [OPTIONS OF cargo zero harvest]

SOURCES.txt lists one repository a line; every node sees it, what it names, and OUT under the same path. A shard is
`cargo-zero harvest @SOURCES.txt --out OUT --shard I/N`: it writes finished repositories into OUT/parts, each with one
rename, so it may be killed anywhere and done twice. At the end one run with --resume makes the dataset of all parts: the
same bytes as without Ray.
"""
import argparse
import subprocess
import sys

import ray


@ray.remote(num_cpus=1, max_retries=-1)
def shard(number, of, sources, out, options):
    command = ["cargo-zero", "harvest", f"@{sources}", "--out", out, "--shard", f"{number}/{of}", "--jobs", "1", *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"shard {number}/{of}: {done.stderr}")
    return number


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("sources")
    parser.add_argument("out")
    parser.add_argument("--shards", type=int, default=8)
    args, options = parser.parse_known_args()
    ray.init(address="auto", log_to_driver=False)
    waiting = [shard.remote(n, args.shards, args.sources, args.out, options) for n in range(1, args.shards + 1)]
    while waiting:
        done, waiting = ray.wait(waiting)
        print(f"shard {ray.get(done[0])} of {args.shards}: done, {len(waiting)} to go", flush=True)
    whole = ["cargo-zero", "harvest", f"@{args.sources}", "--out", args.out, "--resume", *options]
    sys.exit(subprocess.run(whole, check=False).returncode)


if __name__ == "__main__":
    main()
