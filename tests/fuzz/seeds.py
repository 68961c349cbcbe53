#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the seed inputs of the wire targets into tests/fuzz/corpus.

Run it again after a change of these messages; inputs that once crashed a target
are added to the same folders by hand, under names that this script does not use."""
import pathlib

CORPUS = pathlib.Path(__file__).parent / "corpus"


def h(text):
    return bytes.fromhex(text.replace(" ", ""))


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


HELLO = h("504b4631 02000000 80070000 38040000 3c000000")
HELLO_TAIL = h("00 00 00000000 02 7476 09 737465616d3a353730 38 06 03 01")
HDR = h("c2330000 0000 c233 0000 c233 c233 0000 133d 4240 80969800 01000000 e803 9001")[:28]
WELCOME = h(
    "504b4631 02000000 3930 00050000 d0020000 3c000000 01 0a 0010 8005 01"
    "000102030405060708090a0b0c0d0e0f a1a2a3a4 00000000"
)
CAPS = h("02 01 204e0000 0a 09 10 09 00 03 06 02 21")
MEDIA = h(
    "0807060504030201 05000000 09000000 03000000 05000000 0000 0100 0100 0100 0000 0400"
    "c9 01 01 05 61626300"
)
CONTROL = {
    "reconfigure": "01 80070000 38040000 78000000",
    "reconfigured": "02 01 80070000 38040000 78000000",
    "keyframe": "03",
    "loss": "04 04030201",
    "set-bitrate": "05 50c30000",
    "bitrate": "06 50c30000",
    "bitrate-reason": "06 50c30000 02",
    "rfi": "07 0a000000 0c000000",
    "shard": "08 b004",
    "shard-ack": "09 b004",
    "gap": "0a fa000000",
    "delivery-report": "0b 0100000000000000",
    "link-report": "0c 01000000",
    "set-delivery": "0d 01",
    "delivery": "0e 01 00",
    "host-facts": "0f 01 e8030000 00010000 ff",
    "pair-request": "10 02 7476 2100" + "41" * 33,
    "pair-request-key": "10 02 7476 2100" + "41" * 33 + "0400 01020304",
    "pair-challenge": "11 2100" + "42" * 33 + "00" * 32,
    "pair-proof": "12" + "11" * 32,
    "pair-result": "13 01",
    "refused": "16 67000000 0300 6f6c64",
    "probe-request": "20 a0860100 f4010000",
    "probe-result": "21 0100000000000000 02000000 03000000",
    "probe-result-tail": "21 0100000000000000 02000000 03000000 04000000 05000000",
    "probe-shaped": "22 01000000 02000000 0300 04000000 05000000",
    "clock-probe": "30 0102030405060708",
    "clock-echo": "31 0102030405060708 0102030405060708 0102030405060708",
    "phase": "32 0102030405060708 01000000 02000000 03000000",
    "phase-coherence": "32 0102030405060708 01000000 02000000 03000000 e803",
    "clip-control": "40 01 01",
    "clip-state": "41 01 02 00",
    "clip-offer": "42 07000000 01 0a 746578742f706c61696e 0500000000000000",
    "clip-fetch": "43 07000000 ffffffff 09 696d6167652f706e67",
    "clip-fetch-header": "44 00 0500000000000000",
    "cursor-shape": "50 01000000 0200 0100 0000 0000 ff0000ff 00ff00ff",
    "cursor-mode": "51 01",
    "access": "58 1f000000 100e0000",
    "audio-state": "59 01",
    "launch": "5a 04 04 676f6e65",
    "pad-slots": "5b 0500",
}
DGRAM = {
    "key": "c8 00 41000000 00000000 00000000 00000080",
    "mouse-abs": "c8 03 00000000 80020000 68010000 d0020005",
    "pad-snapshot": "c8 0c 00100000 ffff0100 00000000 01ff7f03",
    "audio": "c9 07000000 0807060504030201 6162",
    "rumble": "ca 0300 0100 0200",
    "rumble-lease": "ca 0300 0100 0200 05 9001",
    "rumble-triggers": "ca 0300 0100 0200 05 9001 0600 0700",
    "mic": "cb 07000000 0807060504030201 6162",
    "rich-touch": "cc 01 00 00 01 0080 0080",
    "hid-led": "cd 01 00 ff 00 00",
    "hdr": "ce" + HDR.hex(),
    "timing": "cf 0100000000000000 02000000",
    "timing-stages": "cf 0100000000000000 02000000 03000000 04000000 05000000",
    "timing-phase": "cf 0100000000000000 02000000 03000000 04000000 05000000 ffffffff",
    "cursor": "d0 09000000 03 ffffffff 05000000",
    "pad-audio": "d1 00 00 01000000 0200000000000000 6162",
    "redundant": "d2 01000000 0200000000000000 0300 616263 6465",
    "pcm": "d3 07000000 0807060504030201 61626364",
}

assert len(HDR) == 28 and len(HELLO) == 20 and len(WELCOME) == 53
write(
    "base_bytes",
    {"all-operations": h("ff 0003 01020304 0107 0102030405060708 0205 0102030405 0303 010203 0500")},
)
write(
    "wire_gs_audio",
    {
        "data": h("8061 1234 55667788 99aabbcc 0102"),
        "parity": h("807f 1239 00000000 00000000 01 61 1234 01020304 05060708 aabb"),
        "parity-off-block": h("807f 1239 00000000 00000000 01 61 1235 01020304 05060708 aabb"),
        "parity-short": h("807f 1239 00000000 00000000 01 61 1234 01020304 050607"),
    },
)
write("wire_media", {"packet": MEDIA, "header": MEDIA[:40]})
write(
    "wire_hello",
    {
        "smallest": HELLO,
        "plain": HELLO + h("00 00 00000000"),
        "tail": HELLO + HELLO_TAIL,
        "hdr": HELLO + HELLO_TAIL + HDR + h("05"),
        "all": HELLO + HELLO_TAIL + HDR + h("05 c023 00770100 18 01 01"),
        "no-hdr": HELLO + HELLO_TAIL + h("05 c023 00770100 18 01 01"),
        "bad-label": HELLO + h("00 00 00000000 02 fffe 01 61 08"),
        "start": h("504b4631 3930"),
    },
)
write(
    "wire_welcome",
    {
        "oldest": WELCOME,
        "65": WELCOME + CAPS[:12],
        "66": WELCOME + CAPS[:13],
        "68": WELCOME + CAPS,
        "mgmt": WELCOME + CAPS + h("00 76bb"),
        "grants": WELCOME + CAPS + h("00 76bb 1f000000 3c000000"),
        "pcm": WELCOME + CAPS + h("00 76bb 3f000000 00000000 02 00770100 18 c409 04 01"),
        "chacha": WELCOME + CAPS + h("01" + "20" * 32 + "76bb 1f000000 3c000000"),
    },
)
write("wire_control", {name: b"PKFc" + h(body) for name, body in CONTROL.items()})
SAMPLE = "03 00 0000003f 0000803e 0080 ffff 2d 0e01 ffff 0000"
write(
    "wire_pads",
    {
        "touchpad": h("00 01 00 01 01 0080 0080"),
        "motion": h("00 02 00 1400 ecff 0000 0000 1027 0000"),
        "touchpad-ext": h("00 03 0f 02 00 03 0080 ff7f 3412"),
        "raw": h("00 04 01 03 31 02 03"),
        "pen": h("00 05 00 01 0700" + SAMPLE),
        "pen-eight": h("00 05 00 09 0700" + 8 * SAMPLE),
        "pen-nan": h("00 05 00 02 0700" + SAMPLE + SAMPLE.replace("0000803e", "0000c07f")),
        "led": h("01 01 02 ff8001"),
        "player": h("01 02 00 1f"),
        "trigger": h("01 03 01 01 21 01 02 03 04 05 06 07 08 09 0a"),
        "trigger-short": h("01 03 01 00 05"),
        "haptic": h("01 04 01 01 1000 2000 3000"),
        "report": h("01 05 00 01 31 02"),
        "audio": h("01 06 0f00 03 010203040506"),
    },
)
write("wire_dgram", {name: h(body) for name, body in DGRAM.items()})
write(
    "wire_frame",
    {
        "bytewise": h("20 00 0100 61 0000 0300 616263 0500 61"),
        "pieces": h("20 06 0100 61 0000 0300 616263 0500 6162636465"),
        "too-long": h("00 10 0200 6161"),
        "stream-head": h("ff ff 504b4673 01 0a00 504b4663 43 07000000 ff"),
    },
)


def block(code, k, m, size, lost):
    """A block of fec_decode: the shards whose numbers are in `lost` do not come."""
    bits = bytearray((k + m + 7) // 8)
    for i in lost:
        bits[i // 8] |= 1 << i % 8
    return bytes([code]) + k.to_bytes(2, "little") + m.to_bytes(2, "little") + bytes([size, 5]) + bits


def stream(k, m, size, *calls):
    """A block of fec_decode that arrives by these calls."""
    ops = b"".join(c.to_bytes(2, "little") for c in calls)
    return block(3, k, m, size, [])[:7] + ops


def run_of(count, gap=0):
    return gap << 8 | count << 2


STEPS, END = 15 << 2 | 2, 1 << 2 | 3


def one(n):
    return n << 2 | 1


write(
    "fec_decode",
    {
        "copy": block(0, 1, 2, 64, [0, 1]),
        "sum": block(0, 5, 1, 62, [3]),
        "high-direct": block(0, 20, 4, 128, [0, 7, 21]),
        "high-again": block(0, 100, 20, 66, range(3, 15)),
        "high-locator": block(0, 130, 70, 64, range(0, 140, 2)),
        "low-direct": block(0, 3, 9, 44, [0, 2, 4, 9]),
        "low-locator": block(0, 60, 200, 2, range(60)),
        "beyond-subfield": block(0, 500, 100, 64, range(0, 600, 6)),
        "too-many-lost": block(0, 4, 3, 64, [0, 1, 4, 5]),
        "odd-size": block(0, 4, 3, 63, [0]),
        "beyond-limits": block(0, 513, 4, 64, [0]),
        "gf8": block(1, 64, 13, 77, range(0, 26, 2)),
        "gf8-too-large": block(1, 250, 6, 16, [0]),
        "stream": stream(100, 20, 128, run_of(20, 1), STEPS, run_of(50, 2), STEPS, run_of(40), STEPS),
        "stream-late": stream(
            200, 40, 64, run_of(60, 3), STEPS, run_of(60, 3), STEPS, one(61), STEPS, run_of(63, 2), END, run_of(25), STEPS
        ),
        "stream-shuffled": stream(
            40, 12, 66, one(45), one(3), STEPS, run_of(30, 4), one(50), one(31), STEPS, run_of(20), one(3), END
        ),
        "stream-outside": stream(20, 4, 62, one(24), run_of(10), one(4000), END, run_of(20)),
        "stream-refused": stream(600, 4, 62, one(1)),
        "audio-one": block(2, 4, 2, 120, [1, 4]),
        "audio-two": block(2, 4, 2, 121, [0, 3]),
    },
)

MDNS = h(
    "1234 8400 0001 0001 0000 0003"
    "0a5f70756e6b7466756e6b 045f756470 056c6f63616c00 000c 0001"
    "c00c 000c 0001 0000000a 0007 044465736b c00c"
    "c033 0010 8001 0000000a 000b 0469643d37 056d676d743d"
    "c033 0021 8001 0000000a 000f 0000 0000 2631 06706674657374 c01c"
    "c063 0001 8001 0000000a 0004 0a4d0001"
)
MDNS_V6 = h(
    "0000 8400 0000 0004 0000 0000"
    "0a5f70756e6b7466756e6b 045f756470 056c6f63616c00 000c 0001 00000078 0004 01 61 c00c"
    "c02d 0010 8001 00000078 004a 0570726f746f 4366703d" + "3061" * 32 + "00"
    "c02d 0021 8001 00000078 000a 0000 0000 2631 01 62 c01c"
    "01 62 c01c 001c 8001 00000078 0010 fe800000000000000000000000000009"
)
write("session_finder", {
    "avahi": b"\xff" + MDNS,
    "two": bytes([(len(MDNS) + 3) // 4]) + MDNS + b"\0" * (-len(MDNS) % 4) + MDNS_V6,
    "v6": b"\xff" + MDNS_V6,
    "loop": b"\xff" + h("0000 8400 0000 0001 0000 0000 c00c 000c 0001 00000000 0000"),
})

PF2_MODE = h("03 0c 00050000 d0020000 3c000000")


def pf2(kind, body):
    return bytes([kind, len(body)]) + body


PF2_HELLO = h("02 02 0001") + PF2_MODE + h("06 02 50c3 07 02 7476 08 09 737465616d3a353730 09 02 7801 0d 1c") + HDR
PF2_WELCOME = h("01 10") + bytes(range(16)) + h("05 0c 00050000 d0020000 3c000000 0f 04 01010100 03 01 01 09 02 8005")
# The stream's type is the first byte, which also says where it is cut.
write("wire_pf2", {
    "hello": b"\0" + pf2(1, PF2_HELLO) + pf2(3, b""),
    "welcome": b"\0" + pf2(2, PF2_WELCOME) + pf2(4, b""),
    "refused": b"\0" + pf2(6, h("01 01 64 02 03 6e6f21")) + pf2(5, h("01 01 68 02 02 3126")),
    "clock": b"\0" + pf2(0x3A, h("01 01 05")) + pf2(0x3B, h("01 01 05 02 01 06 03 01 07")),
    "twice": b"\0" + pf2(1, PF2_MODE + PF2_MODE),
    "long": b"\0" + h("03 4101") + b"x" * 8,
})
