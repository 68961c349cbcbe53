#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sound of punktfunk/1 between a real host and punktfunk-probe: surround, and what lost
datagrams leave of it.

usage: native_sound.py PUNKTFUNK-HOST PUNKTFUNK-PROBE PF-IMPAIR [PF-TONE]. Prints TAP."""
import json
import pathlib
import shutil
import socket
import subprocess
import sys

import host_bed
from host_bed import PATIENCE, Place, Server, Skip, relay

PROBE, IMPAIR = sys.argv[2:4]
TONES = [440 + 100 * i for i in range(8)]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def serve(place, *args):
    """A host whose channels each sing their own tone."""
    return Server(place, "--trust-on-first-use", "--display-backend", "pattern",
                  "--display-options", "scene=box", "--audio-backend", "null",
                  "--audio-options", "tone-hz=440", *args)


def probe(server, *args, address="127.0.0.1"):
    r = subprocess.run(
        [PROBE, "connect", f"{address}:{server.words()['port']}", "--trust-first", "--json",
         "--mode", "320x240@30", "--timeout", "30", *map(str, args)],
        text=True, capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)
    assert r.returncode == 0, f"probe ended with {r.returncode}: {r.stderr}{r.stdout}"
    return json.loads(r.stdout)


def expect_tones(channels):
    return "--expect-tone", ",".join(str(t) for t in TONES[:channels])


def surround():
    """Each of six and of eight channels carries its own tone; copies come where 5 % of the
    video rate holds the sound twice, and the client takes them."""
    def run(s, channels, *args):
        r = probe(s, "--seconds", 2.5, "--audio-channels", channels, *expect_tones(channels), *args)
        assert r["audio_channels"] == channels and len(r["audio_tones_hz"]) == channels, r
        assert r["audio_broken"] == 0 and r["audio_packets"] > 300, r
        return r["audio_redundant"]

    with Place() as d, serve(d) as s:
        assert run(s, 6, "--bitrate", 20000)                    # 2 x 448 of 1000 kbit/s
        assert not run(s, 6, "--bitrate", 20000, "--no-audio-copies")
        assert not run(s, 8, "--bitrate", 20000)                # 768 of 1000
        assert run(s, 8, "--bitrate", 40000)
        s.end()


def settings_cap_sound():
    with Place() as d, serve(d, "--audio-channels", "6", "--audio-quality", "low") as s:
        r = probe(s, "--seconds", 1, "--audio-channels", 8, "--bitrate", 40000)
        assert r["audio_channels"] == 6 and r["audio_redundant"] is False, r
        s.end()


def another_layout_is_mixed():
    """A client comes back to its desk, which has six channels, and wants two: left keeps
    its own tone as the loudest."""
    with Place() as d, serve(d) as s:
        who = ("--identity", d.dir / "id.pem")
        r = probe(s, "--seconds", 1, "--audio-channels", 6, *who)
        assert r["audio_channels"] == 6, r
        r = probe(s, "--seconds", 2.5, "--audio-channels", 2, *who)
        assert r["audio_channels"] == 2, r
        # 440 at full, centre (640) and surround left (840) at -3 dB: 3 dB more.
        assert abs(r["audio_tones_hz"][0] - 440) < 2 and abs(r["audio_tones_hz"][1] - 540) < 2, r
        s.end()


def copies_mend_lost_sound():
    data = free_port()
    with Place() as d, serve(d, "--data-port", str(data)) as s:
        with relay(IMPAIR, s, data, "--loss", "down:5%") as address:
            def run(*args):
                return probe(s, "--seconds", 8, "--bitrate", 20000, *expect_tones(2), *args,
                             address=address)

            r = run()
            print(f"# with copies: {r['audio_recovered']} recovered, {r['audio_lost']} lost "
                  f"of {r['audio_packets']}")
            assert r["audio_redundant"] and r["audio_recovered"] > 20, r
            assert r["audio_lost"] < r["audio_recovered"] / 3, r
            r = run("--no-audio-copies")
            print(f"# without: {r['audio_lost']} lost of {r['audio_packets']}, "
                  f"{r['audio_concealed']} concealed")
            assert not r["audio_redundant"] and r["audio_recovered"] == 0, r
            assert r["audio_lost"] > 20 and 0 < r["audio_concealed"] <= r["audio_lost"], r
        s.end()


def a_desk_in_surround():
    """A program of a real desk plays to each of eight channels."""
    if len(sys.argv) < 5:
        raise Skip("built without Wayland or PipeWire")
    for program in ("sway", "pipewire"):
        if not shutil.which(program):
            raise Skip(f"{program} is not installed")
    with Place() as d:
        tone = d.dir / pathlib.Path(sys.argv[4]).name
        shutil.copy(sys.argv[4], tone)
        script = d.dir / "session"
        script.write_text(f"#!/bin/sh\nexec {tone} --gain 0.3 --hz {','.join(map(str, TONES))}\n")
        script.chmod(0o755)
        d.own()
        with Server(d, "--trust-on-first-use", "--display-backend", "wlroots",
                    "--session-command", str(script)) as s:
            r = probe(s, "--seconds", 5, "--audio-channels", 8, "--bitrate", 40000)
            s.end()
        assert r["audio_channels"] == 8 and r["audio_redundant"], r
        # A busy machine leaves gaps, which shift the pitch.
        assert all(hz and abs(hz - want) < 25 for hz, want in zip(r["audio_tones_hz"], TONES)), r


host_bed.main([surround, a_desk_in_surround, settings_cap_sound, another_layout_is_mixed, copies_mend_lost_sound])
