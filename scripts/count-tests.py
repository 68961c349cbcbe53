#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Adds up meson test runs and holds their skips against the allow list.

usage: count-tests.py ALLOWED_SKIPS RESULTS.json...

A results file is a junit .xml of meson, or a file of lines "NAME ok|fail" that
.ci/run writes for its other stages. A file X-again.xml holds the second try of tests
that failed in X.xml (scripts/run-tests). The last line is the sum."""
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as ET

AGAIN = re.compile(r"-again(\.junit)?\.xml$")


def from_meson(build):
    """Yields (name, verdict) per subtest of a build's last runs."""
    for suite in ET.parse(build).getroot().iter("testsuite"):
        for case in suite.iter("testcase"):
            # Without the number, which changes with each test added.
            title = re.sub(r"^\d+ - ", "", case.get("name"))
            name = f"{suite.get('name').split('/')[-1].strip()}:{title}"
            if case.find("failure") is not None or case.find("error") is not None:
                yield name, "fail"
            elif case.find("skipped") is not None:
                yield name, "skip"
            else:
                yield name, "ok"


def second_try(first, second):
    """`first`, where a test that ran again counts as it came out then."""
    tests = {name.split(":")[0] for name, _ in second}
    for name, verdict in first:
        if verdict == "fail" and name.split(":")[0] in tests:
            print(f"flaky: {name} failed beside others")
    return [r for r in first if r[0].split(":")[0] not in tests] + second


def from_lines(path):
    for line in pathlib.Path(path).read_text().splitlines():
        name, verdict = line.rsplit(None, 1)
        yield name, verdict


def main():
    allowed = {}
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            name, _, why = line.partition("  ")
            allowed[name.strip()] = why.strip()
    count = {"ok": 0, "fail": 0, "skip": 0}
    bad = []
    for path in sys.argv[2:]:
        if AGAIN.search(path):
            continue  # read with its first
        results = list(from_meson(path) if path.endswith(".xml") else from_lines(path))
        if not results:
            bad.append(f"{path}: no test ran")
        again = re.sub(r"((\.junit)?\.xml)$", r"-again\1", path)
        if again != path and again in sys.argv[2:]:
            results = second_try(results, list(from_meson(again)))
        for name, verdict in results:
            count[verdict] += 1
            if verdict == "fail":
                bad.append(f"failed: {name}")
            if verdict == "skip" and not any(name.startswith(a) for a in allowed):
                bad.append(f"skipped, but not on the allow list: {name}")
    for b in bad:
        print(b)
    failed = max(count["fail"], 1 if bad else 0)
    print(f"{count['ok']} passed, {failed} failed, {count['skip']} skipped")
    return 1 if failed else 0


sys.exit(main())
