#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The microphone of punktfunk/1: the probe says a tone; the null sound of a host plays back
what it hears, and in a real desk pw-record records it.

usage: native_mic.py PUNKTFUNK-HOST PUNKTFUNK-PROBE PF-IMPAIR. Prints TAP."""
import array
import contextlib
import json
import math
import os
import re
import shutil
import socket
import subprocess
import sys
import time

import host_bed
from host_bed import PATIENCE, Place, Server, Skip, relay, until

PROBE, IMPAIR = sys.argv[2:4]
HZ = 700
GAIN = 0.4  # PF_PROBE_MIC_GAIN


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(place, *args, trust=True):
    """A host whose desks play back what their microphone hears."""
    return Server(place, *(("--trust-on-first-use",) if trust else ()), "--display-backend",
                  "pattern", "--display-options", "scene=box", "--audio-backend", "null",
                  "--audio-options", "mic-loop=1", "--report", str(place.dir / "report.json"),
                  *args)


def argv(server, *args, address="127.0.0.1", trust=True):
    return [PROBE, "connect", f"{address}:{server.words()['port']}", "--json", "--mode",
            "640x480@30", "--timeout", "40", *(("--trust-first",) if trust else ()), *map(str, args)]


def probe(server, *args, **kw):
    r = subprocess.run(argv(server, *args, **kw), text=True, capture_output=True,
                       timeout=PATIENCE, stdin=subprocess.DEVNULL)
    assert r.returncode == 0, f"probe ended with {r.returncode}: {r.stderr}{r.stdout}"
    return json.loads(r.stdout)


def host_report(place, server):
    """Of the one session, once the host ended."""
    until(lambda: "frames sent" in server.stderr(), "the end of the session")
    server.end()
    return json.loads((place.dir / "report.json").read_text())["sessions"][-1]


def left(path):
    """The left channel of a WAV file of 16 bits, which may not be finished."""
    data = path.read_bytes()
    channels = int.from_bytes(data[22:24], "little")
    assert data[:4] == b"RIFF" and int.from_bytes(data[34:36], "little") == 16, data[:48]
    start = data.index(b"data") + 8
    samples = array.array("h", data[start:start + (len(data) - start) // (2 * channels) * 2 * channels])
    return [s / 32768 for s in samples[::channels]]


def level(samples, hz):
    """Amplitude of that tone, in whole periods."""
    w = 2 * math.pi * hz / 48000
    c, a, b = 2 * math.cos(w), 0.0, 0.0
    for s in samples:
        a, b = s + c * a - b, a
    return 2 * math.sqrt(max(a * a + b * b - c * a * b, 0)) / max(len(samples), 1)


def levels(samples, hz):
    """Of each 100 ms."""
    return [level(samples[i:i + 4800], hz) for i in range(0, len(samples) - 4800, 4800)]


def heard(samples, share, least=0.75 * GAIN):
    """Whether the tone fills that share of the sound, from its first to its last. On a busy
    machine cycles of sound are missed."""
    all_of_it = levels(samples, HZ)
    loud = [i for i, v in enumerate(all_of_it) if v > least]
    assert loud, all_of_it
    span = all_of_it[loud[0]:loud[-1] + 1]
    good = [v for v in span if least < v < 1.25 * GAIN]
    print(f"# {len(span) / 10} s, {100 * len(good) / len(span):.0f} % of it at the right level, "
          f"median {sorted(span)[len(span) // 2]:.3f}")
    assert len(span) >= 15 and len(good) >= share * len(span), span
    # Nothing of it lands elsewhere.
    middle = samples[4800 * loud[0]:4800 * loud[-1]]
    assert level(middle[:48000], 2 * HZ + 50) < 0.05, "another tone"


def what_the_client_says_is_heard():
    with Place() as d, serve(d) as s:
        wav = d.dir / "loop.wav"
        r = probe(s, "--seconds", 4, "--mic-tone", HZ, "--expect-tone", f"{HZ},{HZ}", "--wav", wav)
        assert r["mic_packets_sent"] > 300, r
        heard(left(wav), 0.5)
        host = host_report(d, s)
        print(f"# host: {host['mic_packets']} packets, {host['mic_recovered']} recovered, "
              f"{host['mic_concealed']} concealed, {host['mic_late']} late")
        assert r["mic_packets_sent"] * 0.9 - 20 < host["mic_packets"] <= r["mic_packets_sent"], host
        assert host["mic_denied"] == 0, host


def losses_are_mended():
    data = free_port()
    with Place() as d, serve(d, "--data-port", str(data)) as s:
        wav = d.dir / "loop.wav"
        with relay(IMPAIR, s, data, "--loss", "up:5%") as address:
            r = probe(s, "--seconds", 6, "--mic-tone", HZ, "--expect-tone", HZ, "--wav", wav,
                      address=address)
        heard(left(wav), 0.4)
        host = host_report(d, s)
        lost = r["mic_packets_sent"] - host["mic_packets"]
        print(f"# {lost} lost: {host['mic_recovered']} recovered, {host['mic_concealed']} concealed")
        assert lost > 5 and host["mic_recovered"] > 3, host


def nobody_spoke_to_a_host_that_does_not_listen():
    with Place() as d, serve(d, "--microphone=no") as s:
        r = probe(s, "--seconds", 2, "--mic-tone", HZ)
        assert r["audio_packets"] == 0 and r["mic_packets_sent"] > 100, r
        assert "the setting microphone is no" in s.stderr(), s.stderr()
        assert host_report(d, s)["mic_packets"] == 0


def a_grant_that_is_withdrawn_ends_it():
    with Place() as d, serve(d, trust=False) as s:
        who = ("--identity", d.dir / "id.pem", "--name", "speaker")
        armed = d.run("arm")
        pin = re.search(r"\b\d{4}\b", armed.stdout)
        assert armed.returncode == 0 and pin, armed
        env = {**os.environ, "XDG_DATA_HOME": str(d.dir)}
        paired = subprocess.run(
            [PROBE, "pair", f"127.0.0.1:{s.words()['port']}", "--pin", pin[0], "--json",
             *map(str, who)], env=env, text=True, capture_output=True, timeout=PATIENCE)
        assert paired.returncode == 0, paired
        wav = d.dir / "loop.wav"
        p = subprocess.Popen(
            argv(s, "--seconds", 7, "--mic-tone", HZ, "--wav", wav, *who), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        until(lambda: "its microphone is there" in s.stderr(), "the microphone")
        time.sleep(2)
        changed = d.run("clients", "set", "speaker", "--grants", "pointer,keyboard")
        assert changed.returncode == 0, changed
        out, err = p.communicate(timeout=PATIENCE)
        assert p.returncode == 0, (out, err)
        host = host_report(d, s)
        spoke = sum(v > 0.75 * GAIN for v in levels(left(wav), HZ)) / 10
        print(f"# heard for {spoke} s; {host['mic_packets']} packets taken, "
              f"{host['mic_denied']} denied")
        assert host["mic_denied"] > 100 and host["mic_packets"] > 100, host
        assert 0.5 < spoke < 5, spoke


# Records for three seconds as PulseAudio applications do, from the default source.
PULSE_RECORDER = """
import ctypes, sys, wave
class Spec(ctypes.Structure):
    _fields_ = [("format", ctypes.c_int), ("rate", ctypes.c_uint32), ("channels", ctypes.c_uint8)]
lib = ctypes.CDLL("libpulse-simple.so.0")
lib.pa_simple_new.restype = ctypes.c_void_p
err = ctypes.c_int()
s = lib.pa_simple_new(None, b"recorder", 2, None, b"voice", ctypes.byref(Spec(3, 48000, 2)), None,
                      None, ctypes.byref(err))
assert s, err
out = wave.open(sys.argv[1], "wb")
out.setparams((2, 2, 48000, 0, "NONE", None))
block = ctypes.create_string_buffer(19200)
for _ in range(30):
    assert not lib.pa_simple_read(ctypes.c_void_p(s), block, len(block), ctypes.byref(err)), err
    out.writeframes(block.raw)
out.close()
"""


def in_a_desk(seconds, *rules, share, pulse=False):
    for program in ("sway", "pipewire", "pw-record"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    data = free_port()
    with Place() as d:
        wav, listing, voice = d.dir / "mic.wav", d.dir / "nodes", d.dir / "pulse.wav"
        (d.dir / "recorder.py").write_text(PULSE_RECORDER)
        script = d.dir / "session"
        script.write_text(
            f"#!/bin/sh\ncd {d.dir}\n"
            "(until pw-cli ls Node | grep -q punktfunk-mic; do sleep 0.1; done\n"
            f" pw-cli ls Node >nodes.tmp; mv nodes.tmp {listing}\n"
            f" {'/usr/bin/python3 recorder.py ' + str(voice) if pulse else ':'} 2>pulse.log) &\n"
            f"exec pw-record --format s16 --rate 48000 --channels 2 {wav}\n")
        script.chmod(0o755)
        d.own()
        with Server(d, "--trust-on-first-use", "--session-command", str(script), "--display-backend",
                    "wlroots", "--data-port", str(data), "--report", str(d.dir / "report.json")) as s:
            with relay(IMPAIR, s, data, *rules) if rules else contextlib.nullcontext("127.0.0.1") as address:
                r = probe(s, "--seconds", seconds, "--mic-tone", HZ, "--name", "Ann's phone",
                          address=address)
            assert r["mic_packets_sent"] > 100 * seconds - 50, r
            host = host_report(d, s)
        print(f"# host: {host['mic_packets']} packets, {host['mic_recovered']} recovered, "
              f"{host['mic_concealed']} concealed, {host['mic_late']} late")
        assert "Microphone of Ann's phone" in listing.read_text(), listing.read_text()
        heard(left(wav), share)
        if pulse:
            assert voice.exists(), (d.dir / "pulse.log").read_text()
            heard(left(voice), share)
        return host


def a_program_in_the_desk_records_it():
    in_a_desk(7, share=0.4, pulse=True)


def and_through_a_bad_link():
    host = in_a_desk(6, "--loss", "up:5%", "--jitter", "10ms", share=0.25)
    assert host["mic_recovered"] > 3, host


host_bed.main([what_the_client_says_is_heard, losses_are_mended,
               nobody_spoke_to_a_host_that_does_not_listen, a_grant_that_is_withdrawn_ends_it,
               a_program_in_the_desk_records_it, and_through_a_bad_link])
