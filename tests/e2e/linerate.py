#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The line-rate run, short and slow: the real sender and receiver in processes of their own
with pf-impair between them. `make linerate` is the long one.

usage: linerate.py SCRIPTS/LINERATE.PY BUILD. Prints TAP."""
import subprocess
import sys
import tempfile


def run(*args):
    with tempfile.TemporaryDirectory() as d:
        return subprocess.run([sys.executable, sys.argv[1], "--build", sys.argv[2], "--json", f"{d}/report.json",
                               "--loopback", "--fps", "60", "--keyframe", "150000:1", "--mbit", "40", "--seeds", "1",
                               "--rise-seconds", "0", "--spare-refused", *args], capture_output=True, text=True)


def two_percent_is_mended():
    r = run("--seconds", "3", "--models", "random")
    assert r.returncode == 0, r.stdout + r.stderr
    assert "1 of 1 runs within the bars" in r.stdout, r.stdout


def what_no_parity_mends_is_told():
    r = run("--seconds", "2", "--rules", "--loss up:60%")
    assert r.returncode == 1 and "frames lost" in r.stdout, r.stdout + r.stderr


failed = 0
tests = [two_percent_is_mended, what_no_parity_mends_is_told]
print(f"1..{len(tests)}")
for n, t in enumerate(tests, 1):
    try:
        t()
        print(f"ok {n} - {t.__name__}")
    except AssertionError as e:
        failed = 1
        print(f"not ok {n} - {t.__name__}")
        print("".join(f"# {line}\n" for line in str(e).splitlines()), end="")
sys.exit(failed)
