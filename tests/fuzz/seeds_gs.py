#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes the seed inputs of the GameStream text, control and input targets into
tests/fuzz/corpus (see seeds.py)."""
import pathlib
import struct

CORPUS = pathlib.Path(__file__).parent / "corpus"


def h(text):
    return bytes.fromhex(text.replace(" ", ""))


def write(target, seeds):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in seeds.items():
        (folder / name).write_bytes(data)


SDP = "".join(
    f"a={name}:{value} \r\n"
    for name, value in {
        "x-ml-general.featureFlags": 3,
        "x-ss-general.encryptionEnabled": 5,
        "x-ss-video[0].chromaSamplingType": 0,
        "x-nv-video[0].clientViewportWd": 1280,
        "x-nv-video[0].clientViewportHt": 720,
        "x-nv-video[0].maxFPS": 60,
        "x-nv-video[0].packetSize": 1392,
        "x-nv-vqos[0].bw.maximumBitrateKbps": 16000,
        "x-ml-video.configuredBitrateKbps": 20000,
        "x-nv-vqos[0].qosTrafficType": 5,
        "x-nv-aqos.qosTrafficType": 4,
        "x-nv-general.featureFlags": 167,
        "x-nv-general.useReliableUdp": 13,
        "x-nv-vqos[0].fec.minRequiredFecPackets": 2,
        "x-nv-video[0].videoEncoderSlicesPerFrame": 4,
        "x-nv-vqos[0].bitStreamFormat": 1,
        "x-nv-video[0].dynamicRangeMode": 1,
        "x-nv-video[0].maxNumReferenceFrames": 1,
        "x-nv-video[0].clientRefreshRateX100": 5994,
        "x-nv-audio.surround.numChannels": 6,
        "x-nv-audio.surround.channelMask": 63,
        "x-nv-audio.surround.enable": 1,
        "x-nv-audio.surround.AudioQuality": 1,
        "x-nv-aqos.packetDuration": 5,
        "x-nv-video[0].encoderCscMode": 3,
    }.items()
).encode()
HEAD = b"v=0\r\no=android 0 14 IN IPv4 10.0.0.2\r\ns=NVIDIA Streaming Client\r\n"
LEAST = (
    b"a=x-nv-video[0].clientViewportWd:640\na=x-nv-video[0].clientViewportHt:480\n"
    b"a=x-nv-video[0].maxFPS:59940\na=x-nv-video[0].packetSize:512\n"
    b"a=x-nv-vqos[0].bw.maximumBitrateKbps:400\na=x-nv-general.useReliableUdp:13\n"
    b"a=x-nv-audio.surround.numChannels:2"
)
DESCRIBE = (
    b"a=x-ss-general.featureFlags:3\r\na=x-ss-general.encryptionSupported:7\r\n"
    b"a=x-ss-general.encryptionRequested:1\r\na=x-nv-video[0].refPicInvalidation:1\r\n"
    b"sprop-parameter-sets=AAAAAU\r\na=rtpmap:98 AV1/90000\r\n"
    b"a=fmtp:97 surround-params=642012453\r\na=fmtp:97 surround-params=660012345\r\n"
    b"a=fmtp:97 surround-params=85301245673\r\na=fmtp:97 surround-params=88001234567\r\n"
)
OPTIONS = (
    b"OPTIONS rtsp://10.0.0.2:48010 RTSP/1.0\r\nCSeq: 1\r\n"
    b"X-GS-ClientVersion: 14\r\nHost: 0.0.0.0\r\n\r\n"
)
CONTROL = {
    "idr": "00 0203 0200 0000",
    "start": "00 0703 0100 00",
    "ping": "00 0002 0800 0400000000000000",
    "invalidate": "00 0103 1800 3c000000 00000000 40000000 00000000 0000000000000000",
    "ltr-ack": "00 5003 0800 04030201 00000000",
    "fec-status": "00 0255 1500 01020304 1112 1314 1516 1718 191a 1b1c 1d1e 14 01 04",
    "loss": "00 0102 2000 00000000 32000000 e8030000 0500000000000000 0000000000000000 14000000",
    "input": "00 0602 0e00 0000000a 03000000 00 4180 09 0000",
    "apollo": "00 0030 0400 01000000",
    "rumble": "01 0b01 0a00 00000000 0300 2211 ffff",
    "trigger-rumble": "01 0055 0600 0f00 0201 0403",
    "motion": "01 0155 0500 0100 6400 02",
    "led": "01 0255 0500 0200 01 02 ff",
    "adaptive": "01 0355 1900 0000 0c 21 26 6162636465666768696a 30313233343536373839",
    "hdr": "01 0e01 1b00 01 d084 803e c233 c486 4c1d b80b 133d 4240 e803 3200 e703 9001 2c01",
    "termination": "01 0901 0400 80030023",
    "termination-old": "01 0901 0200 0001",
}
INPUT = {
    "key": "0000000a 03000000 00 4180 09 0000",
    "key-up": "0000000a 04000000 01 4180 09 0000",
    "abs": "0000000e 05000000 0280 0168 0000 04ff 02cf",
    "rel": "00000008 07000000 0001 ffff",
    "button": "00000005 08000000 01",
    "scroll": "0000000a 0a000000 ff88 ff88 0000",
    "hscroll": "00000006 01000055 0007",
    "text": "00000007 17000000 e282ac",
    "touch": "00000020 02000055 01 00 5a00 07000000 0000003f 0000803e 0000803f 0000803e 0000003f",
    "touch-nan": "00000020 02000055 03 00 6801 07000000 0000c07f 0000803e 0000803f 0000803e 0000003f",
    "pen": "00000020 03000055 03 02 05 00 0000003f 0000803e 00000040 ffff 5a 00 0000803e 000080bf",
    "haptics": "00000006 0d000000 0100",
    "pad": "0000001e 0c000000 1a00 0200 0500 1400 0010 ff 01 0080 ff7f 0100 feff 9c00 1000 5500",
    "arrival": "0000000c 04000055 0f 04 ff01 fff73f00",
    "pad-touch": "00000018 05000055 01 02 00 01 04030201 0000003f 0000803e 0000803f",
    "motion": "00000014 06000055 03 02 0000 00000040 000080bf 0000003f",
    "battery": "00000008 07000055 00 05 64 00",
    "unknown": "00000004 08000055",
}

write(
    "wire_gs_rtsp",
    {
        "options": OPTIONS,
        "setup": b"SETUP streamid=audio/0/0 RTSP/1.0\r\nCSeq: 3\r\nSession: AB;timeout = 90\r\n"
        b"Transport: unicast;X-GS-ClientPort=50000-50001\r\n\r\n",
        "announce": b"ANNOUNCE streamid=control/13/0 RTSP/1.0\r\nCSeq: 6\r\n"
        b"Content-type: application/sdp\r\nContent-length: 5\r\n\r\nv=0\r\n",
        "unknown": b"RECORD x=y RTSP/1.0\r\ncseq:2147483647\r\n\r\n",
        "reply": b"RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: DEADBEEFCAFE;timeout = 90\r\n"
        b"Transport: unicast;server_port=48000-48001\r\nX-SS-Ping-Payload: 0123456789ABCDEF\r\n"
        b"X-SS-Connect-Data: 4294967295\r\n\r\na=b\n",
        "sealed": struct.pack(">II", 0x80000020, 1) + bytes(48),
    },
)
write(
    "wire_gs_sdp",
    {
        "real": HEAD + SDP + b"t=0 0\r\nm=video 47998  \r\n",
        "least": LEAST,
        "twice": LEAST + b"\na=x-nv-video[0].maxFPS:60",
        "odd": LEAST.replace(b":480", b":481"),
        "describe": DESCRIBE,
    },
)
write("wire_gs_control", {name: h(body) for name, body in CONTROL.items()})
write("wire_gs_input", {name: h(body) for name, body in INPUT.items()})
write(
    "media_gs_open",
    {
        "control": h("0000") + h(CONTROL["input"])[1:],
        "control-far": h("f800") + h(CONTROL["fec-status"])[1:],
        "control-spoilt": h("0007") + h(CONTROL["idr"])[1:],
        "control-short": h("0000 020302"),
        "control-old": h("4400") + h(CONTROL["invalidate"])[1:],
        "control-raw": h("0100 0100 1a00 00000000") + bytes(22),
        "rtsp": h("0200") + OPTIONS,
        "rtsp-spoilt": h("0a12") + OPTIONS,
        "rtsp-raw": h("0300 80000004 00000000") + bytes(20),
    },
)


# Steps of tests/fuzz/gs_pairing.c: actor k from address w, the PIN of actor k for the
# request at place i (0: the only one), seconds, raw requests.
def act(k, w=0):
    return bytes([1, 4 * w + k])


def pin(k, i=0):
    return bytes([3, 0, i, k])


def wait(seconds):
    return bytes([4, seconds])


def ask(w, text):
    return bytes([0, 0, w]) + len(text).to_bytes(2, "little") + text


PAIRED = act(1) + pin(1) + act(1) * 3
write(
    "gs_pairing",
    {
        "pairs": PAIRED,
        "pairs-twice": PAIRED + PAIRED + act(0) + pin(0) + act(0) * 3,
        "wrong-pin": act(0) + pin(1) + act(0) * 3,
        "flood": b"".join(act(k, w) for w in range(6) for k in (0, 1, 3)) + wait(61)
        + act(1, 7) + pin(1, 7) + act(1, 7) * 3,
        "competing": act(0) + act(1, 1) + pin(1, 1) + act(3, 2) + act(1, 1) * 3,
        "late": act(0) + pin(0) + wait(31) + act(0) + act(3) + wait(181) + pin(3),
        "gone": act(0) + bytes([5, 0]) + act(3) + bytes([6, 0]) + act(1) + bytes([7, 0, 0, 1]),
        "raw": ask(0, b"/pair?uniqueid=0&phrase=getservercert&salt=00")
        + ask(0, b"/pair?uniqueid=0&clientchallenge=" + b"00" * 16)
        + act(0) + pin(0) + ask(0, b"/pair?uniqueid=0&serverchallengeresp=" + b"00" * 32)
        + act(0) + pin(3) + ask(0, b"/pair?uniqueid=0&clientchallenge=" + b"11" * 16),
    },
)
