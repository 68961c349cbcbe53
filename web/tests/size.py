#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the console weighs and may not hold. usage: size.py CONSOLE-DIRECTORY. Prints TAP."""
import gzip
import pathlib
import re
import sys

BUDGET_BYTES = 150_000
here = pathlib.Path(sys.argv[1])
files = [f for f in sorted(here.rglob("*")) if f.is_file() and f.suffix != ".gz"]
assert files, f"{here} is empty"


def report(number, ok, words):
    print(f"{'ok' if ok else 'not ok'} {number} - {words}")


print("1..3")
total = 0
for f in files:
    packed = f.with_name(f.name + ".gz")
    size = packed.stat().st_size if packed.exists() else len(gzip.compress(f.read_bytes(), 9))
    total += size
    print(f"# {size:7} {f.relative_to(here)}")
report(1, total <= BUDGET_BYTES, f"all files together are {total} bytes gzip, of {BUDGET_BYTES}")

stale = [f.name for f in files if f.with_name(f.name + ".gz").exists()
         and gzip.decompress(f.with_name(f.name + ".gz").read_bytes()) != f.read_bytes()]
report(2, not stale, f"each .gz is its file {stale}")

# The Content-Security-Policy of the host lets none of these run.
page = (here / "index.html").read_text()
inline = re.findall(r"<script(?![^>]*\bsrc=)[^>]*>|<style\b|\sstyle=|\son\w+=|javascript:|https?://", page)
report(3, not inline, f"nothing inline and nothing foreign in index.html {inline}")
