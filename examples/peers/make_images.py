#!/usr/bin/env python3
"""Writes the small image files of two tests, with what Pillow makes of them.

    python make_images.py src/test/resources/org/clip4j/image

orientation/ holds images that lie in each of EXIF's eight ways. A line of its expected.tsv has the size and the first 8 bytes
of the SHA-256 of the RGB pixels, first as `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` gives them, then as
`Image.open(file).convert("RGB")` does, which is what OpenCLIP and transformers see.

jpegs/ holds JPEG files of many kinds, each with a PNG file of the same name: its pixels by Pillow.

Needs Pillow with WebP and libjpeg-turbo.
"""
import hashlib
import io
import itertools
import pathlib
import struct
import sys

from PIL import Image, ImageOps

WIDTH, HEIGHT = 19, 11
TAG, SHORT = 274, 3


def exif(value, big):
    """A directory of two entries, in one byte order or the other."""
    order = ">" if big else "<"
    entries = struct.pack(order + "HHII", 256, 4, 1, WIDTH) + struct.pack(order + "HHIHH", TAG, SHORT, 1, value, 0)
    return (b"MM" if big else b"II") + struct.pack(order + "HIH", 42, 8, 2) + entries + struct.pack(order + "I", 0)


def scene(width, height):
    image = Image.new("RGB", (width, height))
    image.putdata([(x * 255 // width, y * 255 // height, 255 * (x > y)) for y in range(height) for x in range(width)])
    return image


def line(image):
    digest = hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()[:16]
    return f"{image.width}\t{image.height}\t{digest}"


def orientations(folder):
    folder.mkdir(parents=True, exist_ok=True)
    image = scene(WIDTH, HEIGHT)
    lines = ["file\twidth\theight\tpixels\tstored width\tstored height\tstored pixels"]
    for value in range(1, 9):
        data = exif(value, big=value % 2 == 0)
        image.save(folder / f"{value}.jpg", quality=90, exif=b"Exif\0\0" + data)
        image.save(folder / f"{value}.png", exif=data)
        image.save(folder / f"{value}.webp", lossless=True, exif=data)
        image.save(folder / f"{value}.tiff", compression="tiff_lzw", tiffinfo={TAG: value})
        for kind in "jpg", "png", "webp", "tiff":
            name = f"{value}.{kind}"
            turned = ImageOps.exif_transpose(Image.open(folder / name))
            lines.append(f"{name}\t{line(turned)}\t{line(Image.open(folder / name))}")
    (folder / "expected.tsv").write_text("\n".join(lines) + "\n")


def resampled(data, factors):
    """The same file with another sampling of its first component: other pixels, but a valid file."""
    at = data.index(b"\xff\xc0")
    return data[:at + 11] + bytes([factors]) + data[at + 12:]


def jpegs(folder):
    folder.mkdir(parents=True, exist_ok=True)
    files = {}

    def add(name, image, **options):
        out = io.BytesIO()
        image.save(out, "JPEG", **options)
        files[name] = out.getvalue()

    sizes = itertools.cycle([(37, 29), (16, 16), (1, 1), (33, 8), (7, 50), (2, 3)])
    for quality, sampling, progressive in itertools.product((30, 75, 90), ("4:4:4", "4:2:2", "4:2:0"), (False, True)):
        add(f"{sampling.replace(':', '')}-{quality}{'-progressive' * progressive}", scene(*next(sizes)), quality=quality,
            subsampling=sampling, progressive=progressive)
    image = scene(45, 31)
    for progressive in False, True:
        add(f"gray{'-progressive' * progressive}", image.convert("L"), quality=90, progressive=progressive)
    add("restart-blocks", image, quality=90, restart_marker_blocks=2)
    add("restart-rows", image, quality=90, subsampling="4:4:4", restart_marker_rows=1)
    add("rgb", image, quality=90, keep_rgb=True)
    add("4-4-0", image.transpose(Image.Transpose.ROTATE_90), quality=90, subsampling="4:2:2")
    files["4-4-0"] = resampled(files["4-4-0"], 0x12)
    add("unfinished-progressive", image, quality=90, progressive=True)
    data = files["unfinished-progressive"]
    last = data.rindex(b"\xff\xda")
    files["unfinished-progressive"] = data[:data.rindex(b"\xff\xda", 0, last)] + b"\xff\xd9"
    for name, data in files.items():
        (folder / f"{name}.jpg").write_bytes(data)
        Image.open(io.BytesIO(data)).convert("RGB").save(folder / f"{name}.png", optimize=True)


if __name__ == "__main__":
    orientations(pathlib.Path(sys.argv[1], "orientation"))
    jpegs(pathlib.Path(sys.argv[1], "jpegs"))
