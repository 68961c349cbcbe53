#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the seed inputs of the media targets into tests/fuzz/corpus."""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


def header(size=1000, flags=1, block=0, count=1, k=2, m=1, index=0, shard=512):
    return struct.pack("<QIIIIHHHHHHBBBB", 1 << 60, 5, 9, size, flags, block, count, k, m, index, shard, 0xC9, 1, 1, 5)


WHOLE = header() + bytes(512)
write("media_open", {
    "sealed": b"\x00\x00" + WHOLE,
    "sealed-spoilt": b"\x00\x05" + WHOLE,
    "sealed-stream": b"\x02\x00" + header(size=0, count=0, k=4096) + bytes(512),
    "sealed-slice": b"\x02\x00" + header(size=5120, flags=0x81, block=2, count=0, k=4) + bytes(512),
    "sealed-slice-end": b"\x02\x00" + header(size=5120, flags=0x81, block=2, count=3, k=4) + bytes(512),
    "sealed-blocks": b"\x02\x00" + header(size=4096 * 64 + 1, block=1, count=2, k=1, m=2, shard=64) + bytes(64),
    "sealed-short": b"\x04\x00" + header()[:39],
    "sealed-empty": b"\x04\x00",
    "raw": b"\x01\x00" + bytes(8) + WHOLE + bytes(16),
    "raw-short": b"\x01\x00" + bytes(23),
})


def packet(step=0, block=0, count=1, k=4, m=2, index=0, size=256, shard=64, flags=1):
    return struct.pack("<BbBBBBBHBBBBB", 0, step, block, count, k, m, index, size & 0xFFFF, size >> 16,
                       shard // 2 % 256, shard // 512, flags, 0)


def honest(k, m, arrive, flags=0):
    return struct.pack("<BBBHB", 4, k - 1, m, arrive, flags)


TAKE, TIME, REPORT = b"\x06", b"\x05\x20", b"\x07"
write("media_reassembler", {
    "whole": b"".join(packet(index=i) for i in range(4)) + TAKE,
    "repaired": b"".join(packet(index=i) for i in (0, 2, 4, 5)) + TAKE + packet(index=1) + REPORT,
    "honest": b"".join(honest(6, 3, 0x1ff & ~(7 << (i % 7)), i) + TAKE for i in range(20)) + REPORT,
    "honest-lost": b"".join(honest(6, 2, 0x0f if i % 3 else 0xff) for i in range(40)) + TAKE + REPORT,
    "chunked": honest(5, 0, 0x15, 0x40) + honest(1, 1, 3, 0x40) + TIME + TIME + TAKE,
    "blocks": b"".join(packet(block=i // 32, count=2, k=32 if i < 32 else 3, m=1, index=i % 32, size=35 * 64)
                       for i in range(35)) + TAKE,
    "stream": b"".join(packet(block=0, count=0, k=32, m=2, index=i, size=0) for i in range(1, 33))
    + b"".join(packet(block=1, count=2, k=3, m=1, index=i, size=35 * 64 - 7) for i in range(3)) + TAKE,
    "slices": b"".join(packet(block=0, count=0, k=2, m=0, index=i, size=0, flags=0x81) for i in range(2))
    + b"".join(packet(block=1, count=0, k=3, m=1, index=i, size=128, flags=0x81) for i in range(1, 4))
    + b"".join(packet(block=2, count=3, k=1, m=1, index=i, size=6 * 64, flags=0x81) for i in range(1, 2)) + TAKE,
    "slices-torn": packet(block=0, count=0, k=1, m=0, size=0, flags=0x81)
    + packet(block=2, count=3, k=1, m=0, size=640, flags=0x81)
    + packet(block=1, count=0, k=1, m=0, size=64, flags=0x81) + TAKE,
    "stream-torn": packet(block=0, count=0, k=32, size=0) + packet(block=0, count=1, k=5, size=320) + TAKE,
    "promises": b"".join(packet(step=1, block=0, count=32, k=32, m=28, index=59, size=65536) for _ in range(40)),
    "leaps": packet(step=127) + packet(step=127, index=1) + packet(step=-3) + packet(step=100) + REPORT + TAKE,
})


def sound(seq, primary, copy=b"", tag=0xD2):
    body = bytes([tag]) + seq.to_bytes(4, "little") + bytes(8)
    if tag == 0xD2:
        body += len(primary).to_bytes(2, "little")
    body += primary + copy
    return len(body).to_bytes(2, "little") + body


write("media_audio_order", {
    "in-order": sound(0, b"aa") + sound(1, b"bb", b"aa") + sound(2, b"cc", b"bb"),
    "one-lost": sound(5, b"aa") + sound(7, b"cc", b"bb"),
    "three-lost": sound(5, b"aa") + sound(9, b"cc", b"bb"),
    "gap": sound(5, b"aa") + sound(7, b"cc"),
    "late": sound(5, b"aa") + sound(7, b"cc", b"bb") + sound(6, b"bb", b"aa"),
    "wrap": sound(0xFFFFFFFF, b"aa") + sound(1, b"cc", b"bb"),
    "plain": sound(0, b"aa", tag=0xC9) + sound(2, b"bb", tag=0xC9),
    "empty-primary": sound(0, b"aa") + sound(2, b"", b"bb"),
    "long-primary": sound(0, b"aa") + b"\x12\x00\xd2" + bytes(12) + b"\xff\xff" + b"xxx",
})
