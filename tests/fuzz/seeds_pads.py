#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the seed inputs of the PlayStation pads into tests/fuzz/corpus (see
seeds.py)."""
import pathlib
import struct

FOLDER = pathlib.Path(__file__).parent / "corpus/pads_uhid"
DS4, DUALSENSE, REPORT = 0, 1, 2
START, STOP, OPEN, CLOSE, OUTPUT, GET, SET = 2, 3, 4, 5, 6, 9, 13
FEATURE = 0


def dualsense(offset, **at):
    r = bytearray(offset + 47)
    r[0:3] = (b"\x31\x02\x00", b"\x31\x50\x10")[offset - 2]
    for k, v in at.items():
        i = offset + int(k[1:])
        r[i:i + len(v)] = v
    return bytes([DUALSENSE | REPORT]) + bytes(r)


def ds4(flags, motors, rgb):
    return bytes([DS4 | REPORT]) + b"\x11\xc0\x00" + bytes([flags, 0, 0]) + motors + rgb


def event(model, kind, payload=b""):
    return bytes([model]) + struct.pack("<I", kind) + payload


SEEDS = {
    "ds_rumble": dualsense(2, _0=b"\x03", _2=b"\x40\x80"),
    "ds_rumble2": dualsense(3, _0=b"\x02", _2=b"\x40\x80", _38=b"\x04"),
    "ds_stop": dualsense(2),
    "ds_light": dualsense(3, _1=b"\x04", _44=b"\x01\x02\x03"),
    "ds_triggers": dualsense(3, _0=b"\x0c", _10=b"\x25" * 11, _21=b"\x21" * 11),
    "ds_all": dualsense(2, _0=b"\x0f", _1=b"\x14", _2=b"\xff\xff", _10=b"\x06" * 22, _44=b"\xff\x00\xff"),
    "ds4_all": ds4(7, b"\x10\x20", b"\x01\x02\x03"),
    "ds4_light": ds4(2, b"\x10\x20", b"\x00\x00\x40"),
    "ds4_other": bytes([DS4 | REPORT]) + b"\x05\x07",
    "start": event(DUALSENSE, START, bytes(8)),
    "open": event(DS4, OPEN),
    "close": event(DS4, CLOSE),
    "stop": event(DS4, STOP),
    "output_short": event(DS4, OUTPUT, b"\x11" + bytes(4095) + struct.pack("<HB", 1, 1)),
    "output_long": event(DUALSENSE, OUTPUT, b"\x31" + bytes(4095) + struct.pack("<HB", 65535, 1)),
    "set": event(DUALSENSE, SET, struct.pack("<IBBH", 8, 0x80, FEATURE, 64) + bytes(64)),
    "set_output": event(DUALSENSE, SET, struct.pack("<IBBH", 8, 0x31, 1, 78) + b"\x31" + bytes(77)),
    "get_state": event(DUALSENSE, GET, struct.pack("<IBB", 9, 0x31, 2)),
}
for model, ids in ((DS4, (0x02, 0x05, 0x12, 0xa3)), (DUALSENSE, (0x05, 0x09, 0x20, 0x70))):
    for i in ids:
        SEEDS[f"get_{model}_{i:02x}"] = event(model, GET, struct.pack("<IBB", 7, i, FEATURE))

FOLDER.mkdir(parents=True, exist_ok=True)
for name, data in SEEDS.items():
    (FOLDER / name).write_bytes(data)
