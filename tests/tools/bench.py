#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""pf-bench --quick: its report.json, peers, and peers whose bytes are wrong.

usage: bench.py PF_BENCH PEER WRONG_PARITY WRONG_DATA"""
import json
import pathlib
import subprocess
import sys
import tempfile

BENCH, PEER, WRONG_PARITY, WRONG_DATA = sys.argv[1:5]
FEC = {"gf16_encode", "gf16_decode", "gf8_encode", "gf8_decode"}
ROWS = {"avx512_gfni", "avx2_gfni", "avx2", "ssse3", "neon", "c", "auto"}
KEYS = ["kernel", "row", "shape", "lost", "us_best", "us_median", "ratio_c", "ratio_copy"]


def run(out, *args):
    return subprocess.run([BENCH, "--quick", "--out", str(out), *args], capture_output=True, text=True)


def near(a, b):
    return abs(a - b) <= 0.01 * b + 0.001


def report(tmp):
    p = run(tmp / "report.json", "--peer", PEER)
    assert p.returncode == 0, p.stderr
    r = json.loads((tmp / "report.json").read_text())
    assert r["cpu"] and r["quick"] is True
    rows = r["rows"]
    assert FEC <= {row["kernel"] for row in rows}
    for row in rows:
        assert list(row)[:len(KEYS)] == KEYS, row
        # What is measured in repetitions is never faster than its best one.
        assert 0 < row["us_best"] and 0 < row["us_median"] and row["reps"] >= 1, row
        if row["kernel"] not in FEC:
            continue
        assert row["row"] in ROWS | {"peer:plain"}, row
        assert (row["lost"] > 0) == row["kernel"].endswith("decode"), row
        same = [o for o in rows if all(o[k] == row[k] for k in ("kernel", "shape", "lost"))]
        c = next(o for o in same if o["row"] == "c")
        assert near(row["ratio_c"], row["us_best"] / c["us_best"]), row
        assert row["ratio_copy"] > 0, row
        if row["kernel"].startswith("gf16"):
            peer = next(o for o in same if o["row"] == "peer:plain")
            assert near(row["ratio_peer"]["plain"], row["us_best"] / peer["us_best"]), row
        else:
            assert row["ratio_peer"] == {}, row
    # The table says the same.
    assert "peer:plain" in p.stdout and "gf16_decode 20+4x1408, 1 lost" in p.stdout


def filters(tmp):
    p = run(tmp / "one.json", "--kernel", "gf8_encode", "--row", "auto", "--shape", "20+4")
    assert p.returncode == 0, p.stderr
    rows = json.loads((tmp / "one.json").read_text())["rows"]
    assert [(r["kernel"], r["row"], r["shape"]) for r in rows] == [("gf8_encode", "auto", "20+4x1408")], rows
    assert rows[0]["ratio_c"] is None
    for what in ("--kernel", "--row", "--shape"):
        p = run(tmp / "none.json", "--kernel", "gf8_encode", what, "none")
        assert p.returncode == 1 and "nothing measured" in p.stderr, p.stderr
        assert not (tmp / "none.json").exists()


def found_out(tmp, peer, words):
    p = run(tmp / "no.json", "--peer", peer, "--kernel", "gf16_encode,gf16_decode")
    assert p.returncode == 1 and words in p.stderr and "peer:plain" in p.stderr, (p.returncode, p.stderr)
    assert not (tmp / "no.json").exists()


def wrong_parity(tmp):
    found_out(tmp, WRONG_PARITY, "its parity differs from ours")


def wrong_data(tmp):
    found_out(tmp, WRONG_DATA, "what it recovers differs")


def no_peer(tmp):
    for path, words in ((str(tmp / "none.so"), "No such file"), (BENCH, "")):
        p = run(tmp / "no.json", "--peer", path)
        assert p.returncode == 1 and path in p.stderr and words in p.stderr, p.stderr


def bad_options(tmp):
    for args in (["--cpu", "x"], ["--nothing"], ["extra"]):
        assert subprocess.run([BENCH, *args], capture_output=True).returncode == 2
    p = subprocess.run([BENCH, "--help"], capture_output=True, text=True)
    assert p.returncode == 0 and "--peer" in p.stdout


tests = [report, filters, wrong_parity, wrong_data, no_peer, bad_options]
print(f"1..{len(tests)}")
failed = False
with tempfile.TemporaryDirectory(prefix="pf-bench-") as d:
    for i, t in enumerate(tests, 1):
        try:
            t(pathlib.Path(d))
            print(f"ok {i} - {t.__name__}")
        except Exception as e:
            failed = True
            print(f"not ok {i} - {t.__name__}\n# {type(e).__name__}: {str(e)[:600]}".replace("\n", "\n# "))
sys.exit(failed)
