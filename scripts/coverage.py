#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Line coverage of core/ from a build with -Db_coverage=true whose tests have run.

usage: coverage.py BUILD [--least PERCENT] [--lines]
Prints a row per folder and file; --lines adds the lines that never ran. Exit 1
below --least. A line that several objects contain (headers, templates) counts once."""
import argparse
import collections
import json
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent


def read(build):
    """{file under core/: {line: runs}}"""
    runs = collections.defaultdict(collections.Counter)
    notes = [p.relative_to(build) for p in sorted((build / "core").rglob("*.gcno"))]
    if not notes:
        sys.exit(f"coverage: {build} holds no .gcno files: meson setup {build} -Db_coverage=true")
    out = subprocess.run(["gcov", "--json-format", "--stdout", *map(str, notes)], cwd=build,
                         check=True, capture_output=True, text=True).stdout
    for text in filter(None, out.split("\n")):
        for f in json.loads(text)["files"]:
            path = (build / f["file"]).resolve()
            if not path.is_relative_to(ROOT / "core"):
                continue
            for line in f["lines"]:
                runs[str(path.relative_to(ROOT))][line["line_number"]] += line["count"]
    return runs


def spans(numbers):
    """1, 2, 3, 7 -> 1-3 7"""
    out = []
    for n in numbers:
        if out and out[-1][1] == n - 1:
            out[-1][1] = n
        else:
            out.append([n, n])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in out)


def row(name, done, lines, rest=""):
    print(f"{100 * done / lines:6.1f} % {done:6} of {lines:6}  {name}{rest}")


def main():
    args = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    args.add_argument("build", type=pathlib.Path)
    args.add_argument("--least", type=float, default=0)
    args.add_argument("--lines", action="store_true")
    args = args.parse_args()
    runs = read(args.build.resolve())
    folders = collections.defaultdict(lambda: [0, 0])
    for name, lines in sorted(runs.items()):
        missed = sorted(n for n, count in lines.items() if not count)
        row(name, len(lines) - len(missed), len(lines), f": {spans(missed)}" if args.lines and missed else "")
        for folder in (str(pathlib.PurePath(name).parent), "core in all"):
            folders[folder][0] += len(lines) - len(missed)
            folders[folder][1] += len(lines)
    for name, (done, lines) in sorted(folders.items(), key=lambda f: (f[0] == "core in all", f[0])):
        row(name, done, lines)
    done, lines = folders["core in all"]
    if 100 * done < args.least * lines:
        print(f"coverage: core/ is below {args.least:g} %")
        return 1
    return 0


sys.exit(main())
