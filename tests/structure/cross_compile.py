#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""core/{base,fec,wire,media} compile for Windows and for aarch64.

Each source file becomes an object, warnings as errors. Kernels are compiled with
the flags and for the machines that core/fec/meson.build gives them. Prints TAP."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1])
LAYERS = ["base", "fec", "wire", "media"]
CFLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Wno-unused-parameter",
          "-Wno-missing-field-initializers", "-Werror", f"-I{ROOT}", f"-I{ROOT}/include",
          "-c", "-o", os.devnull]

# (compiler, its package, machine)
COMPILERS = [
    ("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64", "windows"),
    ("aarch64-linux-gnu-gcc", "gcc-aarch64-linux-gnu", "aarch64"),
]
# Kernels that are not for every machine: {file: {machine: flags}}. 32-byte vectors
# are left out on Windows with gcc, which does not align the stack for them.
KERNELS = {
    "core/fec/kernel_ssse3.c": {"windows": ["-mssse3"]},
    "core/fec/kernel_avx2.c": {},
    "core/fec/kernel_gfni256.c": {},
    "core/fec/kernel_gfni512.c": {},
    "core/fec/kernel_neon.c": {"aarch64": []},
}


def jobs(compiler, machine):
    for layer in LAYERS:
        for p in sorted((ROOT / "core" / layer).rglob("*.c")):
            rel = str(p.relative_to(ROOT))
            flags = KERNELS.get(rel, {machine: []}).get(machine)
            if flags is not None:
                yield f"{rel} with {compiler}", [compiler] + CFLAGS + flags + [str(p)]


def compile_one(job):
    name, cmd = job
    r = subprocess.run(cmd, capture_output=True, text=True)
    return name, r.returncode, r.stderr


def main():
    gone = [k for k in KERNELS if not (ROOT / k).exists()]
    lines = [f"{'not ok' if gone else 'ok'} {{n}} - the table of kernels names files that exist"]
    lines += [f"# {k}" for k in gone]
    failed = bool(gone)
    todo = []
    for compiler, package, machine in COMPILERS:
        if shutil.which(compiler):
            todo += jobs(compiler, machine)
        else:
            lines.append(f"ok {{n}} - {compiler} # SKIP missing (package {package})")
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        for name, code, err in pool.map(compile_one, todo):
            lines.append(f"{'not ok' if code else 'ok'} {{n}} - {name}")
            if code:
                failed = True
                lines += ["# " + line for line in err.splitlines()[:12]]
    tests = sum(not line.startswith("#") for line in lines)
    print(f"1..{tests}")
    n = 0
    for line in lines:
        n += not line.startswith("#")
        print(line if line.startswith("#") else line.format(n=n))
    return 1 if failed else 0


sys.exit(main())
