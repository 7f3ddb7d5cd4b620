#!/usr/bin/env bash
# The same under Slurm: an array of shards, then one job that makes the dataset of all parts.
#
#   ./slurm.sh SOURCES.txt OUT [SHARDS]      submits both; SOURCES.txt and OUT are on a file system that all nodes share
#SBATCH --job-name=harvest
#SBATCH --cpus-per-task=1
#SBATCH --requeue
set -euo pipefail

if [ -n "${SLURM_ARRAY_TASK_ID:-}" ]; then # one shard
  exec cargo-zero harvest "@$1" --out "$2" --shard "$SLURM_ARRAY_TASK_ID/$SLURM_ARRAY_TASK_COUNT" --jobs 1
elif [ -n "${SLURM_JOB_ID:-}" ]; then # all are done
  exec cargo-zero harvest "@$1" --out "$2" --resume
fi
shards=${3:-16}
array=$(sbatch --parsable --array="1-$shards" "$0" "$1" "$2")
sbatch --dependency="afterok:$array" "$0" "$1" "$2"
