#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Each header compiles alone; the public one also as other Cs, as C++ and as a module."""
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys

ROOT = pathlib.Path(sys.argv[1]).resolve()
BUILD = pathlib.Path(sys.argv[2]).resolve()
CC = sys.argv[3:] or ["cc"]
CFLAGS = ["-std=gnu17", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter",
          "-Wno-unused-function", "-Werror", "-fsyntax-only", f"-I{ROOT}", f"-I{ROOT}/include", f"-I{BUILD}"]


def flags_of(package):
    r = subprocess.run(["pkg-config", "--cflags", package], capture_output=True, text=True)
    return r.stdout.split() if r.returncode == 0 else []


for package in ("libpipewire-0.3", "wayland-client", "libsystemd", "gnutls"):
    CFLAGS += flags_of(package)


def compile_one(job):
    name, cmd, text = job
    r = subprocess.run(cmd + ["-"], input=text, capture_output=True, text=True)
    return name, r.returncode, r.stderr


def jobs():
    for top in ("core", "host", "clients", "tools"):
        for p in sorted((ROOT / top).rglob("*.h")):
            rel = p.relative_to(ROOT)
            yield f"{rel} alone (C17)", CC + CFLAGS + ["-x", "c"], f'#include "{rel}"\nint pf_alone;\n'
    public = '#include "punktfunk_core.h"\n'
    strict = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only", f"-I{ROOT}/include"]
    for std in ("c99", "c11", "c17"):
        yield (f"punktfunk_core.h as {std}", CC + [f"-std={std}", "-x", "c"] + strict,
               public + "int main(void) { return (int)punktfunk_abi_version(); }\n")
    for cxx, package in (("g++", "g++"), ("clang++", "clang")):
        for std in ("c++11", "c++17"):
            name = f"punktfunk_core.h as {std} by {cxx}"
            if shutil.which(cxx):
                yield (name, [cxx, f"-std={std}", "-x", "c++"] + strict,
                       public + "int main() { PunktfunkStats s = {}; return (int)s.struct_size; }\n")
            else:
                yield name, None, package
    name = "punktfunk_core.h as a module, the way Swift imports it"
    if shutil.which("clang"):
        folder = BUILD / "module"
        folder.mkdir(exist_ok=True)
        (folder / "module.modulemap").write_text(
            f'module Punktfunk {{ header "{ROOT}/include/punktfunk_core.h" export * }}\n')
        yield (name, ["clang", "-fmodules", "-fmodules-cache-path=" + str(folder / "cache"), "-Werror",
                      f"-fmodule-map-file={folder}/module.modulemap", "-fsyntax-only", "-x", "objective-c"],
               "@import Punktfunk;\nint main(void) { return (int)punktfunk_abi_version(); }\n")
    else:
        yield name, None, "clang"


def main():
    todo = list(jobs())
    print(f"1..{len(todo)}")
    failed = 0
    real = [j for j in todo if j[1]]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        results = list(pool.map(compile_one, real))
    n = 0
    for name, code, err in results:
        n += 1
        print(f"{'ok' if code == 0 else 'not ok'} {n} - {name}")
        if code:
            failed += 1
            print("\n".join("# " + line for line in err.splitlines()[:12]))
    for name, _, package in (j for j in todo if not j[1]):
        n += 1
        print(f"ok {n} - {name} # SKIP package {package} is not installed")
    return 1 if failed else 0


sys.exit(main())
