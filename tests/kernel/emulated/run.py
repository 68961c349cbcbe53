#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Runs the tests of core/fec on aarch64, which qemu emulates: the NEON row against
plain C, and blocks made and mended with it. Built with ./cmocka.h. Prints TAP."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(sys.argv[1])
COMPILER = "aarch64-linux-gnu-gcc"
# Debian 12's two packages of the same program.
EMULATORS = ["qemu-aarch64", "qemu-aarch64-static"]
TESTS = ["tests/kernel/fec.c", "tests/unit/fec_gf8.c", "tests/unit/fec_gf16_stream.c"]
OTHER_MACHINES = {"kernel_ssse3.c", "kernel_avx2.c", "kernel_gfni256.c", "kernel_gfni512.c"}
CFLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O2", f"-I{ROOT}", f"-I{ROOT}/include",
          f"-I{ROOT}/tests/kernel/emulated", "-c"]


def compile_to(build, source):
    obj = build / (source.stem + ".o")
    subprocess.run([COMPILER, *CFLAGS, str(source), "-o", str(obj)], check=True)
    return obj


def main():
    emulator = next(filter(None, map(shutil.which, EMULATORS)), None)
    missing = [] if shutil.which(COMPILER) else [f"{COMPILER} (package gcc-aarch64-linux-gnu)"]
    missing += [] if emulator else ["qemu-aarch64 (package qemu-user-static)"]
    if missing:
        print(f"1..0 # SKIP missing: {', '.join(missing)}")
        return 0
    sources = [p for p in sorted((ROOT / "core/fec").glob("*.c")) if p.name not in OTHER_MACHINES]
    sources.append(ROOT / "core/base/cpu.c")
    n, failed = 0, False
    with tempfile.TemporaryDirectory() as d, concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        build = pathlib.Path(d)
        (build / "tests").mkdir()
        shared = list(pool.map(lambda p: compile_to(build, p), sources))
        mains = pool.map(lambda t: compile_to(build / "tests", ROOT / t), TESTS)
        for test, obj in zip(TESTS, mains):
            exe = obj.with_suffix("")
            subprocess.run([COMPILER, "-static", str(obj), *map(str, shared), "-o", str(exe)], check=True)
            r = subprocess.run([emulator, str(exe)], stdout=subprocess.PIPE, text=True)
            lines = [line for line in r.stdout.splitlines() if line.startswith(("ok - ", "not ok - "))]
            if r.returncode and not any(line.startswith("not ok") for line in lines):
                lines.append(f"not ok - {test} ends with {r.returncode}")
            if test == TESTS[0] and not any("gf16 neon blocks" in line for line in lines) and not r.returncode:
                lines.append("not ok - the NEON row has run")
            for line in lines:
                n += 1
                failed |= line.startswith("not ok")
                print(line.replace(" - ", f" {n} - ", 1))
    print(f"1..{n}")
    return 1 if failed else 0


sys.exit(main())
