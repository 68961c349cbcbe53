#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a Moonlight client asks of the encoder is what it gets: codec, colour, slices,
references; and what no encoder here makes is refused.

usage: gamestream_codecs.py PUNKTFUNK-HOST. Prints TAP."""
import contextlib

import gs_bed  # first: it finds the others
import host_bed
from gs import client, control, rtsp

H264, HEVC, AV1 = 0, 1, 2
KEY = 2  # frame type of an IDR
bed = gs_bed.Shared("--audio-backend", "null", "--software-codecs", "av1, h264,hevc",
                    "--encoder", "x264", clients=16)
plain = gs_bed.Shared("--audio-backend", "null", "--encoder", "x264", clients=4)


@contextlib.contextmanager
def streaming(codec=H264, csc=2, slices=1, packet=1024, where=bed):
    with client.Session(where.client(), width=640, height=360, fps=30, kbps=4000, packet=packet,
                        **{"x-nv-vqos[0].bitStreamFormat": codec,
                           "x-nv-video[0].encoderCscMode": csc,
                           "x-nv-video[0].videoEncoderSlicesPerFrame": slices}) as s:
        s.start().frames(3)
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


def codecs_are_advertised_alike():
    for where, mask in ((bed, 0x10101), (plain, 0x1)):
        w = where.client()
        info = w.get("serverinfo")
        assert int(info["ServerCodecModeSupport"]) == mask, info["ServerCodecModeSupport"]
        assert (int(info["MaxLumaPixelsHEVC"]) > 0) == (mask > 1)
        with client.Session(w, width=640, height=360, fps=30) as s:
            s.launch().set_up()
            assert ("sprop-parameter-sets=AAAAAU" in s.description) == (mask > 1)
            assert ("AV1/90000" in s.description) == (mask > 1)
        w.cancel()


def refused(**announce):
    with client.Session(plain.client(), width=640, height=360, fps=30, **announce) as s:
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
    refused(**{"x-ss-video[0].chromaSamplingType": 1})


def ends():
    for where in (bed, plain):
        where.end()


host_bed.main([
    codecs_are_advertised_alike, what_nobody_encodes_is_refused, h264_has_the_slices_asked_for,
    h264_fits_into_the_smallest_packets, colour_is_what_was_asked_for, hevc_streams, av1_streams,
    ends])
