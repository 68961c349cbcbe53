#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""make demo fails when one of its sources is spoiled, and names what.

usage: demo_spoil.py DEMO BUILD. Prints TAP."""
import json
import pathlib
import subprocess
import sys
import tempfile

DEMO, BUILD = sys.argv[1:3]
# What is spoiled, and what the demo must say of it.
SPOILS = {
    "loss": "the relay dropped 0.00 %",
    "input": "input events sent",
    "mode": "mode was not measured",
    "sound": "sound packets, strongest tone",
    "picture": "no picture within 10 s that shows anything",
    "frames": "frames were not shown",
    "host_report": "frames_sent was not measured",
    "clock": "the clock strip went back",
    "text": "the screenshot reads ['punktfunk$ echo punktfunk tapes here', 'punktfunk tapes here']",
}

print(f"1..{len(SPOILS)}")
failed = 0
for i, (name, words) in enumerate(SPOILS.items(), 1):
    with tempfile.TemporaryDirectory() as out:
        r = subprocess.run([sys.executable, DEMO, "--build", BUILD, "--seconds", "7", "--spoil", name, "--out", out],
                           capture_output=True, text=True, timeout=120)
        ok = r.returncode == 1 and words in r.stderr
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {i} - spoiled {name}", flush=True)
        if not ok:
            print("\n".join("# " + line for line in (r.stdout + r.stderr).splitlines()), flush=True)
sys.exit(1 if failed else 0)
