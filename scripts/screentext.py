# SPDX-License-Identifier: MIT OR Apache-2.0
"""Reads what stands in a terminal from a picture of it, as PNG.

The terminal prints the key itself, before anything else: a white bar as wide as
the alphabet, then the alphabet. The bar gives place and size of the cells, the
alphabet the shapes; each cell below is the letter whose shape it resembles most.
So it needs no font, and nothing but the picture."""
import struct
import zlib

ALPHABET = "abcdefghijklmnopqrstuvwxyz$ "
KEY = f"\\033[48;2;255;255;255m{' ' * len(ALPHABET)}\\033[0m\\n{ALPHABET}\\n"  # for printf


class Unreadable(Exception):
    pass


def unfilter(kind, row, above):
    """Undoes a PNG row filter, three bytes a pixel."""
    for i in range(len(row)):
        left, up = row[i - 3] if i >= 3 else 0, above[i]
        corner = above[i - 3] if i >= 3 else 0
        if kind == 1:
            row[i] = (row[i] + left) & 255
        elif kind == 2:
            row[i] = (row[i] + up) & 255
        elif kind == 3:
            row[i] = (row[i] + (left + up) // 2) & 255
        elif kind == 4:
            by = [(abs(up - corner), left), (abs(left - corner), up), (abs(left + up - 2 * corner), corner)]
            row[i] = (row[i] + min(by, key=lambda p: p[0])[1]) & 255


def greens(path, rows):
    """The green samples of the uppermost rows of an 8-bit RGB PNG: bright where
    text is, and no picture needs more."""
    data = path.read_bytes()
    if data[:8] != b"\x89PNG\r\n\x1a\n":
        raise Unreadable(f"{path} is no PNG")
    at, packed = 8, b""
    while at + 8 <= len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", data[at + 8:at + 18])
            if (depth, colour) != (8, 2):
                raise Unreadable(f"{path} is not 8-bit RGB")
        elif kind == b"IDAT":
            packed += data[at + 8:at + 8 + size]
        at += 12 + size
    raw, stride, above, out = zlib.decompress(packed), 3 * width, bytes(3 * width), []
    for y in range(min(rows, height)):
        begin = y * (stride + 1)
        row = bytearray(raw[begin + 1:begin + 1 + stride])
        unfilter(raw[begin], row, above)
        out.append(row[1::3])
        above = row
    return out


def white_run(row, left):
    """The longest white stretch from `left` on: (length, begin)."""
    best, begin = (0, 0), left
    for x in range(left, len(row) + 1):
        if x == len(row) or row[x] < 144:
            best = max(best, (x - begin, begin))
            begin = x + 1
    return best


def read_lines(path, left, bottom, count):
    """The text of `count` lines below the key, of a terminal that lies right of
    `left` and above `bottom`; trailing blanks are cut."""
    picture = greens(path, bottom)
    bar = []
    for y, row in enumerate(picture):
        length, x = white_run(row, left)
        if length >= 4 * len(ALPHABET):
            bar.append((y, length, x))
        elif bar:
            break
    if len(bar) < 6:
        raise Unreadable("there is no bar before the alphabet")
    top, tall = bar[0][0], len(bar)
    _, length, x0 = bar[tall // 2]
    wide = round(length / len(ALPHABET))
    if abs(length - wide * len(ALPHABET)) > 2:
        raise Unreadable(f"the bar of {length} pixels does not fit the alphabet")
    columns = (len(picture[0]) - x0) // wide

    def cell(line, column):
        x, y = x0 + column * wide, top + line * tall
        return b"".join(r[x:x + wide] for r in picture[y:y + tall])

    shapes = [(cell(1, i), c) for i, c in enumerate(ALPHABET)]
    lines = []
    for line in range(2, 2 + count):
        seen = [cell(line, column) for column in range(columns)]
        lines.append("".join(
            min(shapes, key=lambda s: sum((a - b) ** 2 for a, b in zip(s[0], c)))[1] for c in seen).rstrip())
    return lines
