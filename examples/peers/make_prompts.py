"""Writes src/main/resources/org/clip4j/encode/prompts.json: the class names and prompts that OpenAI published with CLIP.

    python examples/peers/make_prompts.py CLIP

CLIP is a checkout of openai/CLIP. Its data/prompts.md has 26 data sets, its notebook Prompt_Engineering_for_ImageNet ImageNet's 1000
class names, the 80 templates, and the 7 of them that a search selected. Copyright (c) 2021 OpenAI, MIT licence.
"""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

clip = Path(sys.argv[1])
target = Path(__file__).parents[2] / "src/main/resources/org/clip4j/encode/prompts.json"

sets = {}
markdown = (clip / "data/prompts.md").read_text(encoding="utf-8")
for section in re.split(r"^## ", markdown, flags=re.M)[1:]:
    name = section.split("\n", 1)[0].strip()
    code = re.search(r"```bash\n(.*?)```", section, flags=re.S).group(1)
    values = {a.targets[0].id: ast.literal_eval(a.value) for a in ast.parse(code).body}
    sets[name] = {"classes": values["classes"], "templates": values["templates"]}

notebook = json.loads((clip / "notebooks/Prompt_Engineering_for_ImageNet.ipynb").read_text(encoding="utf-8"))
cells = ["".join(cell["source"]) for cell in notebook["cells"]]
values = {}
for cell in cells:
    if cell.startswith(("imagenet_classes", "imagenet_templates")):
        for statement in ast.parse(cell).body:
            if isinstance(statement, ast.Assign):
                values[statement.targets[0].id] = ast.literal_eval(statement.value)
selected = next(cell for cell in cells if "sequential forward selection" in cell)
seven = re.findall(r"^\d\. (.*\{\}.*?)\s*$", selected, flags=re.M)
assert set(seven) <= set(values["imagenet_templates"]), seven
sets["ImageNet"] = {"classes": values["imagenet_classes"], "templates": values["imagenet_templates"]}

commit = subprocess.run(["git", "-C", clip, "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
lines = []
for name in sorted(sets, key=str.lower):
    body = ",\n".join(
        f'      "{key}": {json.dumps(sets[name][key], ensure_ascii=False)}' for key in ("classes", "templates")
    )
    lines.append(f'    "{name}": {{\n{body}\n    }}')
text = (
    "{\n"
    '  "source": "openai/CLIP: data/prompts.md; for ImageNet notebooks/Prompt_Engineering_for_ImageNet.ipynb",\n'
    f'  "commit": "{commit}",\n'
    '  "licence": "MIT, Copyright (c) 2021 OpenAI; see prompts.LICENSE.txt",\n'
    f'  "imagenet_selected": {json.dumps(seven)},\n'
    '  "sets": {\n' + ",\n".join(lines) + "\n  }\n}\n"
)
json.loads(text)
target.parent.mkdir(parents=True, exist_ok=True)
target.write_text(text, encoding="utf-8")
for name in sorted(sets, key=str.lower):
    print(f"{name}: {len(sets[name]['classes'])} classes, {len(sets[name]['templates'])} templates")
print(len(sets), "sets;", len(seven), "selected templates")
