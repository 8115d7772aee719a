#!/usr/bin/env bash
# Trains the same model on the same emoji with clip4j and with OpenCLIP, in turn, for three seeds (docs/benchmarks.md).
#
#   examples/peers/emoji.sh DATA OUT PYTHON [EPOCHS]
#
# DATA is a folder with captions.tsv and png/128; PYTHON has open_clip_torch. CLIP4J may name another command than
# examples/run. Writes OUT/{clip4j,openclip}-SEED.json.
set -euo pipefail
data=${1:?DATA} out=${2:?OUT} python=${3:?PYTHON} epochs=${4:-20}
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
mkdir -p "$out"
common=(--data "$data/captions.tsv" --image-root "$data/png/128" --image-column file --caption-column cldr_name
  --exclude '1f3f[b-f]' --batch-size 128 --epochs "$epochs" --lr 1e-3 --warmup 20 --wd 0.2)
for seed in 0 1 2; do
  ${CLIP4J:-$here/../run Train} "${common[@]}" --held-out 0.1 --split-seed 0 --seed "$seed" \
    --model "$here/emoji.json" --out "$out/model-$seed" --json "$out/clip4j-$seed.json"
  "$python" "$here/train_openclip.py" "${common[@]}" --held-out-indices "$out/model-$seed/held-out-indices.txt" --seed "$seed" \
    --model-cfg "$here/emoji.json" --json "$out/openclip-$seed.json"
done
