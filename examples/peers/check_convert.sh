#!/usr/bin/env bash
# Converts every golden case to both layouts and all types, and loads the results strictly in open_clip and transformers
# (check_strict.py): features as the publisher of the case computed them (docs/fidelity.md).
#
#   examples/peers/check_convert.sh GOLDEN OUT PYTHON
#
# GOLDEN is a folder of cases, OUT is made anew, PYTHON has open_clip_torch and transformers.
set -euo pipefail
golden=${1:?GOLDEN} out=${2:?OUT} python=${3:?PYTHON}
here=$(CDPATH='' cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
rm -rf "$out" && mkdir -p "$out"
failed=0
for case in "$golden"/*/; do
  name=$(basename "$case")
  [ -e "$case/case.json" ] && [ "$name" != preprocess ] || continue
  from=$case
  [ ! -e "$case/model.pt" ] || from=$case/model.pt
  for format in openclip transformers; do
    for dtype in fp32 fp16 bf16; do
      to=$out/$name-$format-$dtype
      if ! ${CLIP4J:-$here/../run} Convert --from "$from" --to "$to" --format "$format" --dtype "$dtype" >"$to.log" 2>&1; then
        grep -q 'save in transformers\|save as OPENCLIP' "$to.log" || failed=1
        echo "$name -> $format: $(tail -n 1 "$to.log")"
        break # the layout has no such model
      fi
      if [ "$dtype" = fp32 ]; then
        HF_HUB_OFFLINE=1 "$python" "$here/check_strict.py" "$to" --expected "$case/expected.safetensors" 2>"$to.err" || failed=1
      else
        HF_HUB_OFFLINE=1 "$python" "$here/check_strict.py" "$to" --rounded-from "$out/$name-$format-fp32" 2>"$to.err" || failed=1
      fi
    done
  done
done
exit $failed
