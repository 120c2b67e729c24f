#!/usr/bin/env bash
# The whole path on a folder of real images: split, two trainings, two bundles, two benches.
# Stop it at any moment and start it again: it goes on where it was.
#   studies/real_run.sh FOLDER [OUT] [EPOCHS] [SIZE] [GROUPS]
set -euo pipefail
data=${1:?usage: studies/real_run.sh FOLDER [OUT] [EPOCHS] [SIZE] [GROUPS]}
out=${2:-real}
epochs=${3:-100}
size=${4:-224}
groups=${5:-auto}

[ -f "$out/split.json" ] || hemotk data split "$data" --seed 0 --groups "$groups" --out "$out/split.json"
for arch in densenet201 cnn; do
    [ -f "$out/runs/$arch/run.json" ] ||
        hemotk train "$out/split.json" --data "$data" --arch "$arch" --size "$size" --epochs "$epochs" \
            --seed 0 --out "$out/runs/$arch" --resume
done
for arch in densenet201 cnn; do
    [ -f "$out/bundles/$arch/bundle.json" ] ||
        hemotk export "$out/runs/$arch" --data "$data" --quantize int8 --out "$out/bundles/$arch"
    mkdir -p "$out/reports"
    hemotk bench "$out/bundles/$arch" --json "$out/reports/$arch.json" --overwrite || echo "the gate of $arch failed"
done
