#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What libpunktfunk-core.so exports, against the list and the header."""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
LIB = sys.argv[2]


def exported():
    out = subprocess.run(["nm", "-D", "--defined-only", LIB], check=True, capture_output=True, text=True).stdout
    names = (line.split()[-1] for line in out.splitlines())
    # Sanitizers and coverage add names of their own.
    return {n for n in names if not re.match(r"(__asan|__ubsan|__tsan|__odr|__gcov|__llvm|__start_|__stop_|_init|_fini)", n)}


def main():
    want = {
        line for line in (ROOT / "tests/structure/exports.txt").read_text().split("\n")
        if line and not line.startswith("#")
    }
    header = set(re.findall(r"\b(punktfunk_\w+)\s*\(", re.sub(
        r"/\*.*?\*/", "", (ROOT / "include/punktfunk_core.h").read_text(), flags=re.S)))
    got = exported()
    checks = [
        ("exports are those of tests/structure/exports.txt", got ^ want),
        ("the header declares what the library exports", got ^ header),
    ]
    print(f"1..{len(checks)}")
    for i, (name, diff) in enumerate(checks, 1):
        print(f"{'not ok' if diff else 'ok'} {i} - {name}")
        for d in sorted(diff):
            print(f"# {d}")
    return 1 if any(d for _, d in checks) else 0


sys.exit(main())
