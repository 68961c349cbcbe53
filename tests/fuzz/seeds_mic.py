#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the seed inputs of the target audio_mic: real Opus packets, by libopus."""
import array
import ctypes
import math
import pathlib

CORPUS = pathlib.Path(__file__).parent / "corpus" / "audio_mic"
opus = ctypes.CDLL("libopus.so.0")
opus.opus_encoder_create.restype = ctypes.c_void_p


def speak(count, samples=480, channels=1, application=2048, kbps=24):
    """Packets of a tone; 2048 = VoIP, 2051 = restricted low delay."""
    err = ctypes.c_int()
    enc = ctypes.c_void_p(opus.opus_encoder_create(48000, channels, application, ctypes.byref(err)))
    assert not err.value
    for request, value in ((4002, kbps * 1000), (4012, 1), (4014, 10), (4010, 2)):
        assert not opus.opus_encoder_ctl(enc, request, ctypes.c_int(value))
    out = []
    for n in range(count):
        pcm = array.array("f", (0.3 * math.sin(0.06 * (n * samples + i // channels))
                                for i in range(samples * channels)))
        packet = ctypes.create_string_buffer(1275)
        size = opus.opus_encode_float(enc, (ctypes.c_float * len(pcm)).from_buffer(pcm), samples,
                                      packet, 1275)
        assert size > 0
        out.append(packet.raw[:size])
    opus.opus_encoder_destroy(enc)
    return out


def put(seq, packet, ms=0):
    body = b"\xcb" + (seq & 0xFFFFFFFF).to_bytes(4, "little") + bytes(8) + packet
    long = len(body) > 255
    if long:
        body += bytes(-len(body) % 8)
    return bytes([ms << 2 | (2 if long else 0), len(body) >> (3 if long else 0)]) + body


def pull(ms=10):
    return bytes([ms << 2 | 3])


def write(name, *parts):
    CORPUS.mkdir(parents=True, exist_ok=True)
    (CORPUS / name).write_bytes(b"".join(parts))


voice = speak(24)
write("even", *(put(i, p) + pull() for i, p in enumerate(voice[:12])))
write("lost", *(put(i, p) + pull() for i, p in enumerate(voice) if i % 5 != 3))
write("burst", *(put(i, p) for i, p in enumerate(voice)), *(pull() for _ in range(30)))
write("swapped", *(put(i ^ 1, voice[i ^ 1]) + pull() for i in range(10)))
write("late", put(5, voice[5]), pull(), put(6, voice[6]), pull(), put(4, voice[4]), pull())
write("wrap", *(put(0xFFFFFFFE + i, p) + pull() for i, p in enumerate(voice[:5])))
write("jump", put(1, voice[0]), pull(), put(100000, voice[1]), pull(), put(3, voice[2]), pull())
write("pause", put(0, voice[0]), *(pull(20) for _ in range(8)), put(1, voice[1], 63), pull(63))
write("stereo", *(put(i, p) + pull() for i, p in enumerate(speak(4, channels=2))))
write("twenty", *(put(i, p) + pull() + pull() for i, p in enumerate(speak(4, samples=960))))
write("short", *(put(i, p) + pull(5) for i, p in enumerate(speak(6, samples=120, application=2051))))
write("mixed", put(0, voice[0]), pull(), put(1, speak(1, samples=960)[0]), pull(), pull())
write("garbage", put(0, b"\x7b\x03\x01\x02\x03"), pull(), put(1, b"\xff"), pull(), put(2, b""))
