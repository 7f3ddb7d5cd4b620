#!/usr/bin/env python3
"""Near-duplicates over datasets of several runs, with DataTrove: `harvest` finds those within one run.

    dedupe.py OUT DATASET… [--workers N]

Reads data/*.jsonl of every dataset, and writes to OUT/kept what is left, to OUT/removed what is not. The same pipeline runs
under Slurm or Ray: see SlurmPipelineExecutor and RayPipelineExecutor.
"""
import argparse
import tempfile
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.dedup import MinhashDedupBuckets, MinhashDedupCluster, MinhashDedupFilter, MinhashDedupSignature
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter

# 14 x 8 numbers find pairs that share about 75 % of their runs of five words.
CONFIG = MinhashConfig(n_grams=5, num_buckets=14, hashes_per_bucket=8)


def adapter(_reader, data, path, number):
    record = dict(data)
    return {"text": record["c_source"], "id": record["id"], "media": [], "metadata": {"record": record}}


def original(_writer, document):
    return document.metadata["record"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("datasets", nargs="+", type=Path)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="dedupe-"))
    together = work / "input"
    together.mkdir()
    for number, dataset in enumerate(args.datasets):
        for file in sorted((dataset / "data").glob("*.jsonl")):
            (together / f"{number:05}-{file.name}").symlink_to(file.resolve())

    def reader():
        return JsonlReader(str(together), adapter=adapter)

    def run(name, tasks, *pipeline):
        LocalPipelineExecutor(list(pipeline), tasks=tasks, workers=args.workers, logging_dir=str(work / name)).run()

    signatures, buckets, remove = (str(work / name) for name in ("signatures", "buckets", "remove"))
    run("1", args.workers, reader(), MinhashDedupSignature(output_folder=signatures, config=CONFIG))
    run("2", CONFIG.num_buckets, MinhashDedupBuckets(input_folder=signatures, output_folder=buckets, config=CONFIG))
    run("3", 1, MinhashDedupCluster(input_folder=buckets, output_folder=remove, config=CONFIG))
    kept = JsonlWriter(str(args.out / "kept"), compression=None, adapter=original)
    removed = JsonlWriter(str(args.out / "removed"), compression=None, adapter=original)
    run("4", args.workers, reader(), MinhashDedupFilter(input_folder=remove, exclusion_writer=removed), kept)
    for folder in ("kept", "removed"):
        files = (args.out / folder).glob("*.jsonl")
        print(f"{folder}: {sum(len(file.read_text(encoding='utf-8').splitlines()) for file in files)} records")


if __name__ == "__main__":
    main()
