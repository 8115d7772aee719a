#!/usr/bin/env python3
"""Writes small images that lie in each of EXIF's eight ways, with digests of what Pillow makes of them.

    python make_orientations.py src/test/resources/org/clip4j/image/orientation

expected.tsv holds a line for each file: the size and the first 8 bytes of the SHA-256 of the RGB pixels, first as
`ImageOps.exif_transpose(Image.open(file)).convert("RGB")` gives them, then as `Image.open(file).convert("RGB")` does, which
is what OpenCLIP and transformers see. Needs Pillow with WebP.
"""
import hashlib
import pathlib
import struct
import sys

from PIL import Image, ImageOps

WIDTH, HEIGHT = 19, 11
TAG, SHORT = 274, 3


def exif(value, big):
    """A directory of two entries, in the byte order of one or the other maker of cameras."""
    order = ">" if big else "<"
    entries = struct.pack(order + "HHII", 256, 4, 1, WIDTH) + struct.pack(order + "HHIHH", TAG, SHORT, 1, value, 0)
    return (b"MM" if big else b"II") + struct.pack(order + "HIH", 42, 8, 2) + entries + struct.pack(order + "I", 0)


def scene():
    image = Image.new("RGB", (WIDTH, HEIGHT))
    image.putdata([(x * 255 // WIDTH, y * 255 // HEIGHT, 255 * (x > y)) for y in range(HEIGHT) for x in range(WIDTH)])
    return image


def line(image):
    digest = hashlib.sha256(image.convert("RGB").tobytes()).hexdigest()[:16]
    return f"{image.width}\t{image.height}\t{digest}"


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    image = scene()
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


if __name__ == "__main__":
    main()
