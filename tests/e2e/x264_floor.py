#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""pf-x264-floor: its figures are there and hang together.

usage: x264_floor.py PF-X264-FLOOR. Prints TAP."""
import json
import subprocess
import sys
import tempfile


def run(*args):
    return subprocess.run([sys.argv[1], *args], capture_output=True, text=True, timeout=60)


def report(*args):
    r = run("--mode", "640x360@120", "--frames", "30", *args)
    assert r.returncode == 0, r.stderr
    return json.loads(r.stdout)


def check():
    paced = report()
    assert paced["frames"] == 30 and paced["mode"] == "640x360@120", paced
    assert 0.2 < paced["seconds"], paced
    assert 0 < paced["convert_ms_per_frame"] and 0 < paced["encode_cpu_ms_per_frame"], paced
    assert paced["encode_ms"]["p50"] <= paced["encode_ms"]["p99"] <= paced["encode_ms"]["max"]
    noise = report("--flat-out", "--frames-from", "pattern:noise", "--bitrate", "4000")
    assert noise["seconds"] < paced["seconds"] * 3, (paced, noise)
    assert 2000 < noise["bitrate_kbps"] < 6000, noise
    with tempfile.NamedTemporaryFile(suffix=".mp4") as f:
        bad = run("--frames-from", f.name)
        assert bad.returncode == 1 and f.name in bad.stderr, bad
    assert run("--nonsense").returncode == 2
    assert run("--mode", "1x").returncode == 2


print("1..1")
try:
    check()
    print("ok 1 - figures")
except AssertionError as e:
    print(f"# {e}")
    print("not ok 1 - figures")
    sys.exit(1)
