#!/bin/sh
# ./slurm.sh EXPERIMENT.toml SHARDS RESULTS [OPTIONS OF SBATCH]: a shard on each of so many nodes, each node whole, and a
# job that merges them when all have ended. RESULTS lies on a disk that all nodes share, clipkit is on their PATH.
# The same command again goes on where the shards stopped.
set -eu
CLIPKIT_EXPERIMENT=$(realpath "$1") CLIPKIT_SHARDS=$2
mkdir -p "$3/shards"
CLIPKIT_RESULTS=$(realpath "$3")
export CLIPKIT_EXPERIMENT CLIPKIT_SHARDS CLIPKIT_RESULTS
shift 3
shards=$(sbatch --parsable "$@" --job-name clipkit --array "1-$CLIPKIT_SHARDS" --nodes 1 --exclusive --no-requeue \
  --output "$CLIPKIT_RESULTS/shards/%a.log" --open-mode append --wrap '
    exec clipkit sweep "$CLIPKIT_EXPERIMENT" --shard "$SLURM_ARRAY_TASK_ID/$CLIPKIT_SHARDS" \
      --results "$CLIPKIT_RESULTS/shards/$SLURM_ARRAY_TASK_ID"')
# Whatever came of the shards: what the campaign lacks can be run in it. Of another cluster (-M) the answer is ID;CLUSTER.
sbatch --parsable "$@" --job-name clipkit-merge --dependency "afterany:${shards%%;*}" --no-requeue \
  --output "$CLIPKIT_RESULTS/merge.log" --wrap '
    exec clipkit merge "$CLIPKIT_RESULTS"/shards/*/*/ --results "$CLIPKIT_RESULTS"'
