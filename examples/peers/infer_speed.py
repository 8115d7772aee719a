#!/usr/bin/env python3
"""Times inference of clip4j, of OpenCLIP, and of ONNX Runtime on the exported towers, in turn, each in fresh processes.

    examples/run Benchmark load --make ViT-B-32 --model OUT
    python infer_speed.py OUT [--rounds 3] [--precisions fp32 bf16] [--onnx] [--files] [--clip4j "examples/run"]

Batches of 32 decoded images and of 32 captions of 12 tokens per second; milliseconds of one image and of one caption; prompts
per second of a zero-shot classifier of 80 templates; with --files images per second from JPEG files of 500 x 400, where the peer
uses a DataLoader of 2 workers with Pillow and its own preprocessing. clip4j's figures include tokenizing and normalising; the
peers' inputs are tensors that are ready. Eager mode, torch.inference_mode. Needs open_clip_torch; for --onnx onnx and onnxruntime.

Prints what each process found to standard error as it goes. --exports FOLDER keeps the exported towers there, and the integers of
--int8, and takes them from there in the next run: quantise anew by another folder.

With --int8 PAIRS (a TSV of file and caption) also 8-bit integers: clip4j's own (examples/run Quantize), beside its float32 and
beside ONNX Runtime's static quantisation (QDQ, per channel, MinMax) of the same towers, calibrated on the same first pairs.
"""
import argparse
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

CASES = ["images", "captions", "image", "caption", "classes"]
LATENCIES = ["image", "caption"]


def median(work, seconds):
    work(), work()
    times = []
    while sum(times) < seconds or len(times) < 3:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def caption(generator, tokens):
    return " ".join(chr(97 + int(i)) for i in generator.integers(0, 26, tokens - 2))


class Files:  # of the DataLoader, which pickles it
    def __init__(self, folder, transform):
        self.paths = sorted(folder.iterdir())
        self.transform = transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        from PIL import Image
        return self.transform(Image.open(self.paths[i]).convert("RGB"))


def measure(cases, args, encode_image, encode_text, images, texts, extra):
    """Results of one engine, from functions that take the first n images or texts."""
    found = {}
    for case in cases:
        if case == "images":
            found[case] = args.batch / median(lambda: encode_image(images), args.seconds)
        elif case == "captions":
            found[case] = args.batch / median(lambda: encode_text(texts), args.seconds)
        elif case == "image":
            found[case] = 1000 * median(lambda: encode_image(images[:1]), args.seconds)
        elif case == "caption":
            found[case] = 1000 * median(lambda: encode_text(texts[:1]), args.seconds)
        elif case in extra:
            count, work = extra[case]
            found[case] = count / median(work, args.seconds)
    peak = int(open("/proc/self/status").read().split("VmHWM:")[1].split()[0]) // 1024
    return dict({name: round(value, 2) for name, value in found.items()}, peak_mib=peak)


def openclip(args):
    import numpy
    import open_clip
    import torch
    model, _, transform = open_clip.create_model_and_transforms("local-dir:" + args.model, precision=args.precision)
    model.eval()
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    generator = numpy.random.default_rng(0)
    dtype = torch.bfloat16 if args.precision == "bf16" else torch.float32
    size = model.visual.image_size[0]
    images = torch.randn(args.batch, 3, size, size).to(dtype)
    texts = tokenizer([caption(generator, args.tokens) for _ in range(args.batch)])
    templates = [f"a {caption(generator, args.tokens)[:2 + 2 * (i % 5)]}of a {{}}." for i in range(80)]
    names = [f"thing {chr(97 + i % 26)} {i}" for i in range(args.classes)]

    def files():
        loader = torch.utils.data.DataLoader(Files(pathlib.Path(args.files), transform), batch_size=args.batch, num_workers=2)
        for batch in loader:
            model.encode_image(batch.to(dtype), normalize=True)

    extra = {"classes": (80 * args.classes, lambda: open_clip.build_zero_shot_classifier(model, tokenizer, names, templates))}
    if args.files:
        extra["files"] = (len(list(pathlib.Path(args.files).iterdir())), files)
    with torch.inference_mode():
        print(json.dumps(measure(args.cases, args, lambda x: model.encode_image(x, normalize=True),
                                 lambda x: model.encode_text(x, normalize=True), images, texts, extra)))


def export(model, folder):
    import open_clip
    import torch
    model = open_clip.create_model("local-dir:" + model).eval()

    class Tower(torch.nn.Module):
        def __init__(self, encode):
            super().__init__()
            self.model = model
            self.encode = encode

        def forward(self, x):
            return getattr(self.model, self.encode)(x, normalize=True)

    size = model.visual.image_size[0]
    for name, encode, example in (("image", "encode_image", torch.randn(2, 3, size, size)),
                                  ("text", "encode_text", torch.randint(1, 400, (2, 77)))):
        torch.onnx.export(Tower(encode), (example,), f"{folder}/{name}.onnx", input_names=["x"], output_names=["y"],
                          dynamic_axes={"x": {0: "n"}, "y": {0: "n"}}, opset_version=17, dynamo=False)


def quantize_onnx(args, folder):
    import csv
    import open_clip
    from PIL import Image
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.quantization.shape_inference import quant_pre_process
    _, _, transform = open_clip.create_model_and_transforms("local-dir:" + args.model)
    tokenizer = open_clip.get_tokenizer("ViT-B-32")
    rows = list(csv.DictReader(open(args.int8), delimiter="\t", quoting=csv.QUOTE_NONE))[:args.calibration:2]

    class Reader(CalibrationDataReader):
        def __init__(self, inputs):
            self.inputs = iter(inputs)

        def get_next(self):
            return next(({"x": x} for x in self.inputs), None)

    inputs = {"image": (transform(Image.open(r["file"]).convert("RGB"))[None].numpy() for r in rows),
              "text": (tokenizer([r["caption"]]).numpy() for r in rows)}
    for name in inputs:
        quant_pre_process(f"{folder}/{name}.onnx", f"{folder}/{name}-pre.onnx", skip_symbolic_shape=True)
        quantize_static(f"{folder}/{name}-pre.onnx", f"{folder}/{name}-int8.onnx", Reader(inputs[name]), quant_format=QuantFormat.QDQ,
                        per_channel=True, activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul", "Gemm"])


def onnx(args):
    import numpy
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    sessions = {name: onnxruntime.InferenceSession(f"{args.onnx_dir}/{name}{'-int8' if args.precision == 'int8' else ''}.onnx", options, providers=["CPUExecutionProvider"])
                for name in ("image", "text")}
    size = sessions["image"].get_inputs()[0].shape[-1]
    images = numpy.random.default_rng(0).standard_normal((args.batch, 3, size, size), dtype=numpy.float32)
    texts = numpy.zeros((args.batch, 77), dtype=numpy.int64)
    texts[:, 0], texts[:, 1:args.tokens - 1], texts[:, args.tokens - 1] = 49406, 320, 49407
    print(json.dumps(measure(args.cases, args, lambda x: sessions["image"].run(None, {"x": x}),
                             lambda x: sessions["text"].run(None, {"x": x}), images, texts, {})))


def make_files(folder, count):
    """Smooth pictures with some detail, so that their files are as large as photographs' (about 60 kB)."""
    import numpy
    from PIL import Image
    generator = numpy.random.default_rng(0)
    for i in range(count):
        small = generator.integers(0, 256, (20, 25, 3), dtype=numpy.uint8)
        image = numpy.asarray(Image.fromarray(small).resize((500, 400), Image.BICUBIC)).astype(int)
        image += generator.integers(-12, 13, image.shape)
        Image.fromarray(image.clip(0, 255).astype(numpy.uint8)).save(f"{folder}/{i:04}.jpg", quality=85)


def run(name, command):
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found = json.loads(re.findall(r"^\{.*\}$", out.stdout, re.MULTILINE)[-1])
    print(f"{name}: {json.dumps(found)}", file=sys.stderr, flush=True)
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--precisions", nargs="*", default=["fp32", "bf16"])
    parser.add_argument("--cases", nargs="+", default=CASES)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--tokens", type=int, default=12)
    parser.add_argument("--classes", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--onnx", action="store_true")
    parser.add_argument("--files", nargs="?", const="", help="a folder of JPEG files; made if none is named")
    parser.add_argument("--int8", metavar="PAIRS", help="a TSV with the columns file and caption")
    parser.add_argument("--calibration", type=int, default=256, help="pairs of --int8, of which every second calibrates")
    parser.add_argument("--exports", metavar="FOLDER", help="keeps what is made of the model for --onnx and --int8")
    parser.add_argument("--clip4j", default="examples/run")
    parser.add_argument("--peer", choices=["openclip", "onnx"], help=argparse.SUPPRESS)
    parser.add_argument("--precision", help=argparse.SUPPRESS)
    parser.add_argument("--onnx-dir", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.peer:
        return openclip(args) if args.peer == "openclip" else onnx(args)
    with tempfile.TemporaryDirectory() as scratch:
        if args.files == "":
            args.files = scratch + "/files"
            pathlib.Path(args.files).mkdir()
            make_files(args.files, 256)
        scratch = args.exports or scratch
        pathlib.Path(scratch).mkdir(parents=True, exist_ok=True)
        if args.files and "files" not in args.cases:
            args.cases = args.cases + ["files"]
        if (args.onnx or args.int8) and not pathlib.Path(f"{scratch}/text.onnx").exists():
            export(args.model, scratch)
        if args.precisions:
            table(args, scratch)
        if args.int8:
            integers(args, scratch)


def integers(args, scratch):
    if not pathlib.Path(f"{scratch}/text-int8.onnx").exists():
        quantize_onnx(args, scratch)
    if not pathlib.Path(f"{scratch}/int8").exists():
        subprocess.run([*args.clip4j.split(), "Quantize", "--model", args.model, "--pairs", args.int8, "--most", str(args.calibration),
                        "--force", "--out", scratch + "/int8"], check=True)
    cases = [c for c in args.cases if c != "files"]
    common = ["--batch", str(args.batch), "--tokens", str(args.tokens), "--classes", str(args.classes), "--seconds", str(args.seconds)]
    found = {"int8": [], "fp32": [], "onnx": []}
    for _ in range(args.rounds):
        for name, model in (("int8", scratch + "/int8"), ("fp32", args.model)):
            found[name].append(run(name, [*args.clip4j.split(), "Benchmark", "infer", "--model", model, *common,
                                    "--cases", ",".join(c.upper() for c in cases)]))
        found["onnx"].append(run("onnx", [sys.executable, __file__, args.model, "--peer", "onnx", "--precision", "int8", *common, "--onnx-dir", scratch,
                                  "--cases", *[c for c in cases if c != "classes"]]))
    print("| int8 | clip4j int8 | clip4j fp32 | ratio | ONNX Runtime int8 | ratio |\n|---|---|---|---|---|---|", flush=True)
    for case in [*cases, "peak_mib"]:
        values = {n: statistics.median(r[case] for r in runs if case in r) for n, runs in found.items() if any(case in r for r in runs)}
        cells = [f"{values['int8']:.1f}"]
        for name in ("fp32", "onnx"):
            theirs = values.get(name)
            ratio = None if theirs is None else theirs / values["int8"] if case in LATENCIES + ["peak_mib"] else values["int8"] / theirs
            cells += ["", ""] if theirs is None else [f"{theirs:.1f}", f"{ratio:.2f}"]
        print(f"| {case} | " + " | ".join(cells) + " |", flush=True)


def table(args, scratch):
    print("| precision | case | clip4j | OpenCLIP | ratio | ONNX Runtime | ratio |\n|---|---|---|---|---|---|---|", flush=True)
    for precision in args.precisions:
        common = ["--precision", precision, "--batch", str(args.batch), "--tokens", str(args.tokens),
                  "--classes", str(args.classes), "--seconds", str(args.seconds)] + (["--files", args.files] if args.files else [])
        peer = [sys.executable, __file__, args.model, "--peer"]
        found = {"clip4j": [], "openclip": [], "onnx": []}
        for _ in range(args.rounds):
            found["clip4j"].append(run("clip4j", [*args.clip4j.split(), "Benchmark", "infer", "--model", args.model, *common,
                                        "--cases", ",".join(c.upper() for c in args.cases)]))
            found["openclip"].append(run("openclip", [*peer, "openclip", *common, "--cases", *args.cases]))
            if args.onnx and precision == "fp32":
                found["onnx"].append(run("onnx", [*peer, "onnx", *common, "--onnx-dir", scratch, "--cases",
                                          *[c for c in args.cases if c not in ("classes", "files")]]))
        for case in [*args.cases, "peak_mib"]:
            values = {name: statistics.median(r[case] for r in runs if case in r)
                      for name, runs in found.items() if any(case in r for r in runs)}
            ours = values["clip4j"]
            cells = [f"{ours:.1f}"]
            for name in ("openclip", "onnx"):
                theirs = values.get(name)
                faster = None if theirs is None else theirs / ours if case in LATENCIES + ["peak_mib"] else ours / theirs
                cells += ["", ""] if theirs is None else [f"{theirs:.1f}", f"{faster:.2f}"]
            unit = "ms" if case in LATENCIES else "MiB" if case == "peak_mib" else "/s"
            print(f"| {precision} | {case}, {unit} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
