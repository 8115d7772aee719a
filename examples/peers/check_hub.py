#!/usr/bin/env python3
"""Checks that clip4j and huggingface_hub find in the cache what the other has fetched.

    mvn -q test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath
    python examples/peers/check_hub.py --classpath target/test-classes:target/classes:$(cat target/classpath)

Serves the golden models of src/test/resources/golden as a hub on the loopback interface (HubProcess of the tests) and lets
either side fetch, then the other with the network forbidden, then both at once. Needs huggingface_hub, transformers and
open_clip. Exits with 1 if anything failed.
"""
import argparse
import hashlib
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

GOLDEN = pathlib.Path(__file__).parents[2] / "src/test/resources/golden"
HF, OPENCLIP = "peers/hf-clip", "peers/openclip-vit"

# Run by a Python of its own, since huggingface_hub reads the environment once.
FETCH = "import sys, huggingface_hub as h; print(h.snapshot_download(sys.argv[1]))"
FILES = """
import sys, json, huggingface_hub as h
repo, names = sys.argv[1], json.loads(sys.argv[2])
folder = h.snapshot_download(repo, local_files_only=True)
for name in names:
    assert h.hf_hub_download(repo, name) == h.try_to_load_from_cache(repo, name) == folder + "/" + name
missing = h.try_to_load_from_cache(repo, "pytorch_model.bin")
cache = h.scan_cache_dir()
assert not cache.warnings, cache.warnings
print(folder, missing is h._CACHED_NO_EXIST)
"""
TRANSFORMERS = """
import sys
from transformers import CLIPModel
print(sum(p.numel() for p in CLIPModel.from_pretrained(sys.argv[1]).parameters()))
"""
OPEN_CLIP = """
import sys, open_clip
print(sum(p.numel() for p in open_clip.create_model("hf-hub:" + sys.argv[1]).parameters()))
"""

failures = 0


def check(what, ok, detail=""):
    global failures
    failures += not ok
    print("ok  " if ok else "FAIL", what, detail)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--classpath", required=True, help="of the library's tests")
    parser.add_argument("--java", default="java")
    args = parser.parse_args()
    java = [args.java, "-cp", args.classpath, "org.clip4j.hub.HubProcess"]

    with tempfile.TemporaryDirectory() as temporary:
        root = pathlib.Path(temporary)
        served = {}
        for repo in (HF, OPENCLIP):
            folder = root / "served" / repo / "main"
            source = GOLDEN / repo.split("/")[1]
            shutil.copytree(source, folder, ignore=shutil.ignore_patterns("case.json", "expected.*", "texts.json"))
            served[repo] = sorted(p.name for p in folder.iterdir())
        hub = subprocess.Popen(
            [*java, "serve", root / "served", "0"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        endpoint = hub.stdout.readline().strip()

        def environment(cache, offline):
            kept = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "HUGGING", "TRANSFORMERS_"))}
            kept |= {"HF_HOME": str(root / cache), "HF_ENDPOINT": endpoint, "HF_HUB_DISABLE_XET": "1",
                     "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
            return kept | ({"HF_HUB_OFFLINE": "1"} if offline else {})

        def run(command, cache, offline):
            done = subprocess.run(command, env=environment(cache, offline), capture_output=True, text=True)
            if done.returncode:
                print(done.stdout + done.stderr, file=sys.stderr)
            return done.stdout.split() if done.returncode == 0 else []

        def python(code, cache, offline, *arguments):
            return run([sys.executable, "-c", code, *arguments], cache, offline)

        def fetch(cache, offline, repo):
            return run([*java, "fetch", repo], cache, offline)

        def intact(cache, repo):
            """Every file of the snapshot has the served content; a link's name is the content's hash."""
            (snapshot,) = (root / cache / "hub" / ("models--" + repo.replace("/", "--")) / "snapshots").iterdir()
            for file in snapshot.iterdir():
                content = file.read_bytes()
                sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
                if content != (root / "served" / repo / "main" / file.name).read_bytes():
                    return False
                if os.path.basename(os.readlink(file)) not in (sha1, hashlib.sha256(content).hexdigest()):
                    return False
            return sorted(f.name for f in snapshot.iterdir()) == served[repo]

        for repo in (HF, OPENCLIP):
            found = fetch("java", False, repo)
            check(f"clip4j fetches {repo}", len(found) == 2 and intact("java", repo), found)
            folder = python(FILES, "java", True, repo, json.dumps(served[repo]))
            check("  huggingface_hub finds every file, offline, and no other",
                  folder == [os.path.dirname(found[1]), "True"], folder)
        check("  transformers loads it, offline", bool(python(TRANSFORMERS, "java", True, HF)))
        check("  open_clip loads it, offline", bool(python(OPEN_CLIP, "java", True, OPENCLIP)))

        for repo in (HF, OPENCLIP):
            folder = python(FETCH, "python", False, repo)
            check(f"huggingface_hub fetches {repo}", bool(folder) and intact("python", repo), folder)
            blobs = {p: p.stat().st_mtime_ns for p in (root / "python/hub").glob("models--*/blobs/*")}
            for offline in (True, False):
                found = fetch("python", offline, repo)
                check("  clip4j finds it, " + ("offline" if offline else "online"),
                      found[1:] == [folder[0] + "/" + [n for n in served[repo] if n.endswith("model.safetensors")][0]],
                      found)
            check("  and fetches nothing again",
                  blobs == {p: p.stat().st_mtime_ns for p in (root / "python/hub").glob("models--*/blobs/*")})

        for repo in (HF, OPENCLIP):
            commands = [[*java, "fetch", repo], [sys.executable, "-c", FETCH, repo]] * 2
            both = [subprocess.Popen(c, env=environment("both", False), stdout=subprocess.DEVNULL) for c in commands]
            codes = [process.wait() for process in both]
            left = [str(p) for p in (root / "both").rglob("*") if p.name.endswith((".incomplete", ".tmp"))]
            check(f"both fetch {repo} at once, twice each", codes == [0] * 4 and not left and intact("both", repo), left)

        hub.stdin.close()
        hub.wait()
    print("failed:", failures)
    sys.exit(failures > 0)


main()
