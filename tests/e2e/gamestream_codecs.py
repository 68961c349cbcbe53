#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a Moonlight client asks of the encoder is what it gets: codec, colour, slices,
references, 4:4:4, 10 bits; and what no encoder here makes is refused.

usage: gamestream_codecs.py PUNKTFUNK-HOST [TEST-GS-PICTURE]. Prints TAP.
PF_TEST_DUMP=DIR keeps the pictures to look at."""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import tempfile

import gs_bed  # first: it finds the others
import host_bed
from gs import client, control, rtsp

H264, HEVC, AV1 = 0, 1, 2
KEY = 2  # frame type of an IDR
bed = gs_bed.Shared("--audio-backend", "null", "--software-codecs", "av1, h264,hevc",
                    "--encoder", "x264", clients=16)
still = gs_bed.Shared("--audio-backend", "null", "--software-codecs", "av1,h264,hevc",
                      "--encoder", "x264", "--display-options", "scene=still", clients=16)
odd = gs_bed.Shared("--audio-backend", "null", "--encoder", "x264", "--display-options",
                    "scene=still,width=800,height=600", clients=2)
no_444 = gs_bed.Shared("--audio-backend", "null", "--encoder", "openh264", clients=2)
plain = gs_bed.Shared("--audio-backend", "null", "--encoder", "x264", clients=4)


@contextlib.contextmanager
def streaming(codec=H264, csc=2, slices=1, packet=1024, where=bed, kbps=4000, **more):
    with client.Session(where.client(), width=640, height=360, fps=30, kbps=kbps, packet=packet,
                        **{**more,
                           "x-nv-vqos[0].bitStreamFormat": codec,
                           "x-nv-video[0].encoderCscMode": csc,
                           "x-nv-video[0].videoEncoderSlicesPerFrame": slices}) as s:
        s.start()
        # A still picture and its two repeats is all that some scenes send.
        s.until(lambda: s.video.frames_total >= 3, "three frames")
        yield s
    s.web.cancel()


def asks_for_a_key_frame(s, parameters):
    """Two more IDRs on request; video.py looks at each. No other frame has their sets."""
    for _ in range(2):
        before = sum(f.type == KEY for f in s.video.frames)
        s.send(control.IDR, bytes(2), control.URGENT)
        s.until(lambda: sum(f.type == KEY for f in s.video.frames) > before, "an IDR")
        s.frames(2)
    for f in s.video.frames:
        assert (f.type == KEY) == (parameters in f.types()), f.types()


class Bits:
    def __init__(self, data):
        data = data.replace(b"\0\0\3", b"\0\0")
        self.text, self.at = "".join(f"{b:08b}" for b in data), 0

    def u(self, n):
        self.at += n
        return int(self.text[self.at - n:self.at], 2)

    def ue(self):
        zeros = self.text.index("1", self.at) - self.at
        self.at += zeros
        return self.u(zeros + 1) - 1


def h264_set(frame):
    """References and colour (full range, primaries, transfer, matrix) of the SPS."""
    at = next(at for at, kind in frame.units if kind == 7)
    b = Bits(frame.data[at + 5:at + 80])
    profile = b.u(24) >> 16
    b.ue()
    if profile >= 100:
        assert (b.ue(), b.ue(), b.ue(), b.u(2)) == (1, 0, 0, 0), "4:2:0, 8 bits"
    b.ue()
    order = b.ue()
    if not order:
        b.ue()
    references = b.ue()
    b.u(1), b.ue(), b.ue(), b.u(1), b.u(1)
    if b.u(1):
        [b.ue() for _ in range(4)]
    assert b.u(1), "no word about the colour"
    if b.u(1) and b.u(8) == 255:
        b.u(32)
    if b.u(1):
        b.u(1)
    assert b.u(1), "no video signal type"
    b.u(3)
    full = b.u(1)
    assert b.u(1), "no colour description"
    return references, (full, b.u(8), b.u(8), b.u(8))


def h264_has_the_slices_asked_for():
    with streaming(slices=4) as s:
        asks_for_a_key_frame(s, 7)
        for f in s.video.frames:
            assert sum(kind in (1, 5) for kind in f.types()) == 4, f.types()
        assert h264_set(s.video.frames[0])[0] == 1


def h264_fits_into_the_smallest_packets():
    with streaming(packet=512) as s:
        s.frames(3)


def colour_is_what_was_asked_for():
    want = {0: (0, 6, 6, 6), 1: (1, 6, 6, 6), 2: (0, 1, 1, 1), 3: (1, 1, 1, 1),
            # BT.2020 belongs to 10 bits
            4: (0, 1, 1, 1), 5: (1, 1, 1, 1)}
    for csc, colour in want.items():
        with streaming(csc=csc) as s:
            got = h264_set(s.video.frames[0])[1]
            assert got == colour, f"{got} where {csc} was asked"


def hevc_streams():
    with streaming(HEVC, slices=2) as s:
        asks_for_a_key_frame(s, 33)


def av1_streams():
    with streaming(AV1, slices=2) as s:
        asks_for_a_key_frame(s, 1)


def background(x, y):
    """The pattern's, from its description: tiles of two gradients, marks like letters."""
    letter = (x // 8 % 16 * 31 + y // 16 % 8 * 17 + 5) * 2654435761 & 0xFFFFFFFF
    mx, my = x % 8, y % 16
    if mx < 5 and my < 9 and letter >> (mx + my // 2 * 5) & 1:
        return 0x18, 0x20, 0x28
    tx, ty = x % 64, y % 64
    if (x // 64 + y // 64) % 2:
        return 40 + tx * 2, 70 + ty * 2, 130
    return 220 - ty, 200 - tx, 120 + tx


AREA = range(320, 640), range(128, 360)  # neither the moving box nor the clock strip
source = [background(x, y) for y in AREA[1] for x in AREA[0]]


def decoded(codec, s, name):
    """What the stream says about itself, and the pixels of AREA."""
    with tempfile.TemporaryDirectory() as t:
        file = pathlib.Path(os.environ.get("PF_TEST_DUMP", t)) / f"{name}.ppm"
        units = b"".join(len(f.data).to_bytes(4, "little") + f.data for f in s.video.frames)
        r = subprocess.run([sys.argv[2], str(codec), str(file)], input=units, timeout=60,
                           stdout=subprocess.PIPE, check=True)
        facts, data = json.loads(r.stdout), file.read_bytes()
    assert data.startswith(b"P6\n640 360\n255\n"), data[:20]
    at = len(data) - 640 * 360 * 3
    return facts, [tuple(data[(i := at + 3 * (y * 640 + x)):i + 3])
                   for y in AREA[1] for x in AREA[0]]


def colour_error(pixels):
    """Mean error of what colour is, without how bright it is."""
    return sum(abs((r - g) - (r0 - g0)) + abs((b - g) - (b0 - g0))
               for (r, g, b), (r0, g0, b0) in zip(pixels, source)) / len(source)


def error(pixels):
    return sum(abs(a - b) for p, q in zip(pixels, source) for a, b in zip(p, q)) / len(source) / 3


def picture_is_the_source(codec, yuv444, ten, csc, name):
    """Every still picture of the pattern, decoded, against what was drawn."""
    if len(sys.argv) < 3:
        raise host_bed.Skip("this build has no decoder to look with")
    with streaming(codec, csc, where=still, kbps=30000,
                   **{"x-ss-video[0].chromaSamplingType": int(yuv444),
                      "x-nv-video[0].dynamicRangeMode": int(ten)}) as s:
        told = [payload for kind, payload in s.messages if kind == control.HDR]
        facts, pixels = decoded(codec, s, name)
    matrix = 6 if csc < 2 else 1
    assert facts == {"width": 640, "height": 360, "sub": [0, 0] if yuv444 else [1, 1],
                     "depth": 10 if ten else 8, "matrix": matrix, "primaries": matrix,
                     "transfer": matrix, "full": bool(csc & 1)}, facts
    # Told once, and only who asked: these 10 bits are no HDR.
    assert told == ([bytes(27)] if ten else []), told
    all_of_it, colour = error(pixels), colour_error(pixels)
    print(f"# {name}: mean error {all_of_it:.2f}, of the colour {colour:.2f}")
    # With one chroma pair for four pixels letters lose theirs; with one each they do not.
    assert colour < 9 if yuv444 else 11 < colour < 25, colour
    assert all_of_it < (4 if yuv444 else 8), all_of_it


def h264_picture_in_420(): picture_is_the_source(H264, False, False, 2, "h264-420")
def h264_picture_in_444(): picture_is_the_source(H264, True, False, 2, "h264-444")
def h264_picture_in_444_full(): picture_is_the_source(H264, True, False, 3, "h264-444-full")
def h264_picture_in_444_bt601(): picture_is_the_source(H264, True, False, 0, "h264-444-601")
def hevc_picture_in_444(): picture_is_the_source(HEVC, True, False, 2, "hevc-444")
def hevc_picture_of_10_bits(): picture_is_the_source(HEVC, False, True, 2, "hevc-10")
def hevc_picture_in_444_of_10(): picture_is_the_source(HEVC, True, True, 3, "hevc-444-10")
def av1_picture_in_444(): picture_is_the_source(AV1, True, False, 2, "av1-444")
def av1_picture_of_10_bits(): picture_is_the_source(AV1, False, True, 1, "av1-10")
def av1_picture_in_444_of_10(): picture_is_the_source(AV1, True, True, 2, "av1-444-10")


def a_screen_of_another_size_is_fitted_in():
    """800x600 in 640x360: 480x360 in the middle of black."""
    if len(sys.argv) < 3:
        raise host_bed.Skip("this build has no decoder to look with")
    with streaming(where=odd, kbps=30000) as s, tempfile.TemporaryDirectory() as t:
        s.until(lambda: s.video.frames_total >= 3, "three frames")
        file = pathlib.Path(os.environ.get("PF_TEST_DUMP", t)) / "fitted.ppm"
        units = b"".join(len(f.data).to_bytes(4, "little") + f.data for f in s.video.frames)
        r = subprocess.run([sys.argv[2], "0", str(file)], input=units, timeout=60,
                           stdout=subprocess.PIPE, check=True)
        assert json.loads(r.stdout)["width"] == 640
        data = file.read_bytes()[-640 * 360 * 3:]

    def area(x0, y0, x1, y1):
        """Mean colour."""
        px = [data[3 * (640 * y + x):][:3] for y in range(y0, y1) for x in range(x0, x1)]
        return [sum(c) / len(px) for c in zip(*px)]
    for bar in ((0, 0, 76, 360), (564, 0, 640, 360)):
        assert max(area(*bar)) < 4, area(*bar)
    # Tiles of 64 become 38.4 wide and high; each mean is that of the tile.
    for tx, ty in ((4, 4), (7, 5), (11, 8), (8, 3), (5, 7)):
        want = [background(x, y) for y in range(64 * ty, 64 * ty + 64)
                for x in range(64 * tx, 64 * tx + 64)]
        want = [sum(c) / len(want) for c in zip(*want)]
        x, y = 80 + 64 * tx * 0.6, 64 * ty * 0.6
        got = area(round(x), round(y), round(x + 38.4), round(y + 38.4))
        assert all(abs(a - b) < 6 for a, b in zip(got, want)), (tx, ty, got, want)


def codecs_are_advertised_alike():
    for where, mask in ((bed, 0x7F0301), (plain, 0x40001), (no_444, 0x1)):
        w = where.client()
        info, more = w.get("serverinfo"), mask & 0x10100 != 0
        assert int(info["ServerCodecModeSupport"]) == mask, info["ServerCodecModeSupport"]
        assert (int(info["MaxLumaPixelsHEVC"]) > 0) == more
        with client.Session(w, width=640, height=360, fps=30) as s:
            s.launch().set_up()
            assert ("sprop-parameter-sets=AAAAAU" in s.description) == more
            assert ("AV1/90000" in s.description) == more
        w.cancel()


def refused(where=plain, **announce):
    with client.Session(where.client(), width=640, height=360, fps=30, **announce) as s:
        s.launch().set_up()
        try:
            s.announce()
        except rtsp.RtspError as e:
            assert e.status == 400, e.status
        else:
            raise AssertionError(f"{announce} was accepted")
    s.web.cancel()


def what_nobody_encodes_is_refused():
    refused(**{"x-nv-vqos[0].bitStreamFormat": HEVC})
    refused(**{"x-nv-video[0].dynamicRangeMode": 1})
    # H.264 of 10 bits has no name on this wire.
    refused(**{"x-nv-video[0].dynamicRangeMode": 1, "x-ss-video[0].chromaSamplingType": 1})
    refused(no_444, **{"x-ss-video[0].chromaSamplingType": 1})


def ends():
    for where in (bed, plain, still, odd, no_444):
        where.end()


host_bed.main([
    codecs_are_advertised_alike, what_nobody_encodes_is_refused, h264_has_the_slices_asked_for,
    h264_fits_into_the_smallest_packets, colour_is_what_was_asked_for, hevc_streams, av1_streams,
    h264_picture_in_420, h264_picture_in_444, h264_picture_in_444_full, h264_picture_in_444_bt601,
    hevc_picture_in_444, hevc_picture_of_10_bits, hevc_picture_in_444_of_10, av1_picture_in_444,
    av1_picture_of_10_bits, av1_picture_in_444_of_10,
    a_screen_of_another_size_is_fitted_in, ends])
