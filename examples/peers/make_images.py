#!/usr/bin/env python3
"""Writes the small image files of two tests, with what Pillow makes of them.

    python make_images.py src/test/resources/org/clip4j/image

orientation/ holds images that lie in each of EXIF's eight ways. A line of its expected.tsv has the size and the first 8 bytes
of the SHA-256 of the RGB pixels, first as `ImageOps.exif_transpose(Image.open(file)).convert("RGB")` gives them, then as
`Image.open(file).convert("RGB")` does, which is what OpenCLIP and transformers see.

jpegs/ holds JPEG files of many kinds, each with a PNG file of the same name: its pixels by Pillow.

odd/ holds what encoders seldom write: orientation in XMP and in PNG's text, and files put together by hand. A line of its
expected.tsv has the size and the digest of the pixels of `exif_transpose(...).convert("RGB")`, then that of the same over 0x80C0FF.

Needs Pillow with WebP and libjpeg-turbo.
"""
import hashlib
import io
import itertools
import pathlib
import struct
import sys
import zlib

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


def xmp(value, element=False):
    inner = f"<tiff:Orientation>{value}</tiff:Orientation>" if element else f'<x tiff:Orientation="{value}"/>'
    return f"<x:xmpmeta tiff:Orientations='7'>{inner}<tiff:Orientation>2</tiff:Orientation></x:xmpmeta>".encode()


def chunk(kind, body):
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(png, *chunks, at_end=False):
    at = len(png) - 12 if at_end else 33
    return png[:at] + b"".join(chunks) + png[at:]


def raw_profile(data):
    digits = data.hex()
    lines = "\n".join(digits[i:i + 72] for i in range(0, len(digits), 72))
    return f"\nexif\n{len(data):8d}\n{lines}\n".encode()


def text(kind, keyword, value):
    if kind == "tEXt":
        return chunk(b"tEXt", keyword + b"\0" + value)
    if kind == "zTXt":
        return chunk(b"zTXt", keyword + b"\0\0" + zlib.compress(value))
    packed = kind == "iTXt-packed"
    return chunk(b"iTXt", keyword + (b"\0\1\0en\0k\0" if packed else b"\0\0\0en\0k\0") + (zlib.compress(value) if packed else value))


def metadata(files):
    """Orientation in XMP and in PNG's text, alone and against EXIF."""
    image = scene(WIDTH, HEIGHT)

    def saved(kind, **options):
        out = io.BytesIO()
        image.save(out, kind, **options)
        return out.getvalue()

    name_exif = b"Exif\0\0"
    plain = struct.pack(">HIHHHIHHI", 42, 8, 1, 256, 4, 1, 0, WIDTH, 0)  # without the tag
    for value, element in (6, False), (8, True), (3, False), (0, True), (9, False):
        tag = f"{value}{'-element' * element}"
        files[f"xmp-{tag}.jpg"] = saved("JPEG", quality=90, xmp=xmp(value, element))
        files[f"xmp-{tag}.webp"] = saved("WEBP", lossless=True, xmp=xmp(value, element))
        files[f"xmp-{tag}.png"] = with_chunks(saved("PNG"), text("iTXt", b"XML:com.adobe.xmp", xmp(value, element)))
        files[f"xmp-{tag}.tiff"] = saved("TIFF", compression="tiff_lzw", tiffinfo={700: xmp(value, element)})
    both = dict(xmp=xmp(6))
    files["exif-before-xmp.jpg"] = saved("JPEG", quality=90, exif=name_exif + exif(3, True), **both)
    files["exif-upright-before-xmp.jpg"] = saved("JPEG", quality=90, exif=name_exif + exif(1, True), **both)
    files["exif-nonsense-before-xmp.jpg"] = saved("JPEG", quality=90, exif=name_exif + exif(9, True), **both)
    files["exif-without-tag.jpg"] = saved("JPEG", quality=90, exif=name_exif + b"MM" + plain, **both)
    files["exif-before-xmp.webp"] = saved("WEBP", lossless=True, exif=exif(3, True), **both)
    files["exif-without-tag.webp"] = saved("WEBP", lossless=True, exif=b"MM" + plain, **both)
    files["exif-before-xmp.tiff"] = saved("TIFF", compression="tiff_lzw", tiffinfo={TAG: 3, 700: xmp(6)})
    jpeg = saved("JPEG", quality=90)
    data = name_exif + exif(6, True)
    parts = [data[:20], name_exif + data[20:]]
    files["exif-in-two-segments.jpg"] = jpeg[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(p) + 2) + p for p in parts) + jpeg[2:]
    both = [b"http://ns.adobe.com/xap/1.0/\0" + xmp(v) for v in (3, 6)]
    files["two-xmp.jpg"] = jpeg[:2] + b"".join(b"\xff\xe1" + struct.pack(">H", len(p) + 2) + p for p in both) + jpeg[2:]
    for kind, raw in {
        "short-of-two": struct.pack(">HIHH", 3, 2, 6, 1), "signed": struct.pack(">HIHH", 8, 1, 6, 0), "long": struct.pack(">HII", 4, 1, 6),
        "float": struct.pack(">HIf", 11, 1, 6), "byte": struct.pack(">HIBBBB", 1, 1, 6, 0, 0, 0), "text": struct.pack(">HI4s", 2, 2, b"6"),
        "none": struct.pack(">HIHH", 3, 0, 6, 0), "unknown": struct.pack(">HIHH", 99, 1, 6, 0),
        "double": struct.pack(">HII", 12, 1, 26) + b"\0\0\0\0" + struct.pack(">d", 6),
        "rational": struct.pack(">HII", 5, 1, 26) + b"\0\0\0\0" + struct.pack(">II", 6, 1),
    }.items():
        data = b"MM" + struct.pack(">HIHH", 42, 8, 1, TAG) + raw + b"\0\0\0\0"
        files[f"exif-as-{kind}.jpg"] = saved("JPEG", quality=90, exif=name_exif + data, xmp=xmp(8))
    png = saved("PNG")
    profile = raw_profile(name_exif + exif(6, True))
    for kind in "tEXt", "zTXt", "iTXt", "iTXt-packed":
        files[f"profile-{kind}.png"] = with_chunks(png, text(kind, b"Raw profile type exif", profile))
        files[f"profile-app1-{kind}.png"] = with_chunks(png, text(kind, b"Raw profile type APP1", profile))
        files[f"xmp-{kind}.png"] = with_chunks(png, text(kind, b"XML:com.adobe.xmp", xmp(8)))
    late = text("zTXt", b"Raw profile type exif", profile)
    files["profile-at-end.png"] = with_chunks(png, late, at_end=True)
    files["profile-before-xmp.png"] = with_chunks(png, text("iTXt", b"XML:com.adobe.xmp", xmp(8)), late)
    files["exif-before-profile.png"] = with_chunks(png, chunk(b"eXIf", exif(3, False)), late)
    files["exif-at-end.png"] = with_chunks(with_chunks(png, late), chunk(b"eXIf", exif(3, False)), at_end=True)
    files["exif-as-text.png"] = with_chunks(png, text("tEXt", b"exif", exif(6, False)), late)
    files["two-exif.png"] = with_chunks(png, chunk(b"eXIf", exif(3, False)), chunk(b"eXIf", exif(6, False)))
    files["two-profiles.png"] = with_chunks(png, text("tEXt", b"Raw profile type exif", raw_profile(exif(3, True))), late)
    files["profile-without-tag.png"] = with_chunks(png, text("tEXt", b"Raw profile type exif", raw_profile(b"MM" + plain)),
                                                   text("iTXt", b"XML:com.adobe.xmp", xmp(8)))


def deep(levels, width, order):
    return b"".join(struct.pack(order + f"{len(row)}H", *row) for row in (levels[i:i + width] for i in range(0, len(levels), width)))


def tiff(tags, pixels, order="<", big=False, strips=1):
    """A TIFF file with pixels in equal strips, uncompressed unless tags say otherwise."""
    tags = dict(tags)
    size = len(pixels) // strips
    head = 16 if big else 8
    tags[273] = [head + i * size for i in range(strips)]
    tags[279] = [size] * strips
    tags.setdefault(278, [tags[257][0] // strips])
    body = pixels + b"\0" * (len(pixels) % 2)
    entries, extra = b"", b""
    inline, entry = (8, 20) if big else (4, 12)
    directory = head + len(body)
    after = directory + (8 if big else 2) + entry * len(tags) + inline
    for tag, values in sorted(tags.items()):
        kind = 16 if big and tag in (273, 279) else 4 if tag in (256, 257, 273, 279) else 3
        packed = struct.pack(order + str(len(values)) + {3: "H", 4: "I", 16: "Q"}[kind], *values)
        if len(packed) > inline:
            place = struct.pack(order + ("Q" if big else "I"), after + len(extra))
            extra += packed
        else:
            place = packed.ljust(inline, b"\0")
        entries += struct.pack(order + ("HHQ" if big else "HHI"), tag, kind, len(values)) + place
    mark = b"II" if order == "<" else b"MM"
    start = mark + (struct.pack(order + "HHHQ", 43, 8, 0, directory) if big else struct.pack(order + "HI", 42, directory))
    count = struct.pack(order + ("Q" if big else "H"), len(tags))
    return start + body + count + entries + b"\0" * inline + extra


def tiffs(files):
    width, height = 23, 16
    red, green, blue = scene(width, height).split()
    planes = [list(p.getdata()) for p in (red, green, blue)]
    alpha = [(x * 37 + y * 11) % 256 if (x + y) % 5 else 255 * (x % 2) for y in range(height) for x in range(width)]
    deep_planes = [[v << 8 | (v * 7 + i) % 256 for i, v in enumerate(p)] for p in planes + [alpha]]

    def interleaved(bands):
        return [v for pixel in zip(*bands) for v in pixel]

    def add(name, photometric, bits, bands, extra=(), order="<", **options):
        tags = {256: [width], 257: [height], 258: [bits] * len(bands), 259: [1], 262: [photometric], 277: [len(bands)], **options.pop("tags", {})}
        if extra:
            tags[338] = list(extra)
        values = interleaved(bands)
        pixels = bytes(values) if bits == 8 else deep(values, width, order)
        if tags[259] == [8]:
            pixels = zlib.compress(pixels)
        files[f"{name}.tiff"] = tiff(tags, pixels, order, **options)

    rgb = planes
    multiplied = [[v * a // 255 for v, a in zip(p, alpha)] for p in planes]
    for extra, name in ((0,), "spare"), ((1,), "associated"), ((2,), "alpha"), ((999,), "corel"), ((), "unsaid"):
        add(f"rgb-{name}", 2, 8, multiplied + [alpha], extra)
        add(f"rgb-{name}-deflate", 2, 8, multiplied + [alpha], extra, tags={259: [8]})
        if extra != (999,):
            add(f"rgb16-{name}", 2, 16, deep_planes, extra)
            add(f"rgb16-{name}-mm", 2, 16, deep_planes, extra, order=">")
    for count in 1, 2:
        for first, name in (0, "spare"), (1, "associated"), (2, "alpha"):
            add(f"rgb-{name}-and-{count}", 2, 8, multiplied + [alpha] + [alpha[::-1]] * count, (first,) + (0,) * count)
    add("associated-odd", 2, 8, planes + [alpha], (1,))  # colours above their alpha
    add("gray-alpha", 1, 8, [planes[0], alpha], (2,))
    add("palette-spare", 3, 8, [planes[0], alpha], (0,), tags={320: [v * 257 for v in range(256)] + [65535 - v * 257 for v in range(256)] + [v * 64 for v in range(256)]})
    add("palette-alpha", 3, 8, [planes[0], alpha], (2,), tags={320: [v * 257 for v in range(256)] + [65535 - v * 257 for v in range(256)] + [v * 64 for v in range(256)]})
    add("cmyk-spare", 5, 8, planes + [alpha, alpha[::-1]], (0,))
    add("cmyk16", 5, 16, deep_planes)
    small = [[v % 300 for v in p] for p in deep_planes]
    add("gray16", 1, 16, [small[0]])
    add("gray16-mm", 1, 16, [small[0]], order=">")
    add("gray16-white-is-zero", 0, 16, [small[0]])
    add("gray-white-is-zero", 0, 8, [planes[0]])
    for order, name in ("<", "ii"), (">", "mm"):
        for strips in 1, 4:
            add(f"big-{name}-{strips}", 2, 8, rgb, order=order, big=True, strips=strips)
    add("big-orientation", 2, 8, rgb, big=True, tags={TAG: [6]})
    add("big-gray16", 1, 16, [small[0]], big=True)
    for compression in None, "tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg":
        out = io.BytesIO()
        scene(width, height).save(out, "TIFF", compression=compression, big_tiff=True)
        files[f"big-{compression}.tiff"] = out.getvalue()


def png(width, height, bits, kind, rows, *chunks):
    header = struct.pack(">IIBBBBB", width, height, bits, kind, 0, 0, 0)
    pixels = zlib.compress(b"".join(b"\0" + row for row in rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IDAT", pixels) + chunk(b"IEND", b"")


def pngs(files):
    """Pillow drops what tRNS says of 16 bits, so for those a mask says which pixels are clear."""
    width, height = 24, 10
    places = [(x, y) for y in range(height) for x in range(width)]
    clear = {}
    for transparent in 0, 5, 200, 300, 60000:
        rows = [struct.pack(f">{width}H", *[(5, 200, 300, 60000, 0)[(x + y) % 5] for x in range(width)]) for y in range(height)]
        clear[f"gray16-trns-{transparent}.png"] = [(5, 200, 300, 60000, 0)[(x + y) % 5] == transparent for x, y in places]
        files[f"gray16-trns-{transparent}.png"] = png(width, height, 16, 0, rows, chunk(b"tRNS", struct.pack(">H", transparent)))
    rows = [struct.pack(f">{3 * width}H", *[v for x in range(width) for v in ((x * 2570, y * 5000, 0x1234) if (x + y) % 3 else (5, 200, 300))]) for y in range(height)]
    clear["rgb16-trns.png"] = [(x + y) % 3 == 0 for x, y in places]
    clear["rgb16-trns-other.png"] = [False] * len(places)
    files["rgb16-trns.png"] = png(width, height, 16, 2, rows, chunk(b"tRNS", struct.pack(">HHH", 5, 200, 300)))
    files["rgb16-trns-other.png"] = png(width, height, 16, 2, rows, chunk(b"tRNS", struct.pack(">HHH", 5, 201, 300)))
    for bits in 1, 2, 4, 8:
        rows = [bytes((x * 29 + y * 7) % 256 for x in range(width * bits // 8)) for y in range(height)]
        files[f"gray{bits}-trns.png"] = png(width, height, bits, 0, rows, chunk(b"tRNS", struct.pack(">H", 1)))
    rows = [bytes((x * 29 + y * 7) % 256 for x in range(3 * width)) for y in range(height)]
    files["rgb-trns.png"] = png(width, height, 8, 2, rows, chunk(b"tRNS", struct.pack(">HHH", 7, 36, 65)))
    rows = [struct.pack(f">{width}H", *[x * 2000 + y for x in range(width)]) for y in range(height)]
    files["gray16-short-trns.png"] = png(width, height, 16, 0, rows)
    whole = png(width, height, 16, 0, rows)
    at = whole.index(b"IDAT") - 4
    body = whole[at + 8:-16]
    files["split-idat.png"] = whole[:at] + b"".join(chunk(b"IDAT", body[i:i + 1]) + chunk(b"IDAT", b"") for i in range(len(body))) + whole[-12:]
    return clear


def lzw(indices, bits):
    """GIF's codes without compression: a clear code before the table grows."""
    clear, size = 1 << bits, bits + 1
    codes = []
    for i, index in enumerate(indices):
        if i % ((1 << bits) - 2) == 0:
            codes.append(clear)
        codes.append(index)
    codes.append(clear + 1)
    number, length = 0, 0
    for code in codes:
        number |= code << length
        length += size
    return number.to_bytes((length + 7) // 8, "little")


def gif(width, height, indices, palette=None, local=None, before=b"", frame=None, bits=4, block=255):
    flags = lambda colors: 0x80 | (len(colors) // 3).bit_length() - 2 if colors else 0
    left, top, frame_width, frame_height = frame or (0, 0, width, height)
    data = lzw(indices, bits)
    blocks = b"".join(bytes([len(data[i:i + block])]) + data[i:i + block] for i in range(0, len(data), block))
    return (b"GIF89a" + struct.pack("<HHBBB", width, height, flags(palette), 0, 0) + (palette or b"") + before
            + b"," + struct.pack("<HHHHB", left, top, frame_width, frame_height, flags(local)) + (local or b"")
            + bytes([bits]) + blocks + b"\0;")


def gifs(files):
    width, height = 21, 12
    indices = [(x * 3 + y * 5 + x * y) % 16 for y in range(height) for x in range(width)]
    colors = bytes((i * 83 + 40) % 256 for i in range(48))
    gray = bytes(i // 3 for i in range(48))
    clear = b"!\xf9\x04\x01\0\0\x05\0"
    files["no-palette.gif"] = gif(width, height, indices)
    files["no-palette-clear.gif"] = gif(width, height, indices, before=clear)
    files["no-palette-placed.gif"] = gif(width + 4, height + 3, indices, frame=(2, 1, width, height))
    files["gray-palette.gif"] = gif(width, height, indices, palette=gray)
    files["short-palette.gif"] = gif(width, height, indices, palette=colors[:12])
    files["short-gray-palette.gif"] = gif(width, height, indices, palette=gray[:12])
    files["local-palette.gif"] = gif(width, height, indices, local=colors)
    files["two-palettes.gif"] = gif(width, height, indices, palette=gray, local=colors)
    files["short-local-palette.gif"] = gif(width, height, indices, palette=colors, local=colors[12:24])
    files["gray-local-palette.gif"] = gif(width, height, indices, palette=colors, local=gray)
    files["stray-zero.gif"] = gif(width, height, indices, palette=colors, before=b"\0")
    files["stray-bytes.gif"] = gif(width, height, indices, palette=colors, before=b"\0\x11\xff" + clear + b"\0\0")
    files["two-controls.gif"] = gif(width + 4, height + 3, indices, palette=colors, before=clear + clear.replace(b"\x01", b"\0"), frame=(2, 1, width, height))
    files["clear-placed.gif"] = gif(width + 4, height + 3, indices, palette=colors, before=clear, frame=(2, 1, width, height))
    files["comment-blocks.gif"] = gif(width, height, indices, palette=colors, before=b"!\xfe" + b"\1a" * 40 + b"\0")
    files["tiny-blocks.gif"] = gif(width, height, indices, palette=colors, block=1)


def odd(folder):
    folder.mkdir(parents=True, exist_ok=True)
    files = {}
    for make in metadata, tiffs, gifs:
        make(files)
    clear = pngs(files)
    lines = ["file\twidth\theight\trgb\tover 80c0ff"]
    for name, data in files.items():
        try:
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(data)))
            over = image.convert("RGBA") if image.mode not in ("I;16", "I;16B", "CMYK") else image.convert("RGB").convert("RGBA")
        except Exception as error:
            print(name, repr(error))
            continue
        (folder / name).write_bytes(data)
        if name in clear:
            over.putalpha(Image.frombytes("L", image.size, bytes(0 if c else 255 for c in clear[name])))
        below = Image.new("RGB", image.size, (0x80, 0xC0, 0xFF))
        below.paste(over, mask=over.getchannel("A"))
        lines.append(f"{name}\t{line(image)}\t{line(below).split(chr(9))[2]}")
    (folder / "expected.tsv").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    orientations(pathlib.Path(sys.argv[1], "orientation"))
    jpegs(pathlib.Path(sys.argv[1], "jpegs"))
    odd(pathlib.Path(sys.argv[1], "odd"))
