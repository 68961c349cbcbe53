#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The native plane's latency bars on this machine: starts, returns, changes of mode,
and what lies between capture and reception beside convert and encode.

usage: bench_native.py [--build DIR] [--json] [--quick]. Exit 1 when a bar is missed.

A host with real desks (sway, pf-pattern scrolling the whole picture) on the loopback,
measured by punktfunk-probe:
  cold         bench-connect, no spare desk; each round ends with a quit
  spare        the same, with a spare desk ready before each round
  reconnect    bench-connect --reconnect to a desk kept
  mode         bench-mode, 1280x720@60 <-> 1024x768@60, the stream goes on
  720p120      connect for 10 s: captured -> received less convert and encode of each
               frame, without and with the compositor's copy; the stages beside it
Nothing else should run; the load is printed."""
import argparse
import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
# Milliseconds: (p50, p99), None = no bar.
BARS = {"cold": (250, None), "spare": (120, None), "reconnect": (50, None), "mode": (90, 150),
        "720p120": (0.4, None)}


def arguments():
    p = argparse.ArgumentParser()
    p.add_argument("--build", default="build")
    p.add_argument("--json", action="store_true")
    p.add_argument("--quick", action="store_true", help="few rounds: whether it runs at all")
    return p.parse_args()


ARGS = arguments()
BUILD = pathlib.Path(ARGS.build).resolve()
PROBE = BUILD / "clients/probe/punktfunk-probe"
sys.argv = [sys.argv[0], str(BUILD / "host/punktfunk-host")]
sys.path.insert(0, str(ROOT / "tests/e2e"))
from host_bed import Place, Server, until  # noqa: E402  it reads sys.argv


class Bench(Place):
    def __init__(self):
        super().__init__()
        self.report = self.dir / "report.json"
        shutil.copy(BUILD / "tools/pattern/pf-pattern", self.dir)
        self.own()

    def host(self, *args):
        return Server(self, "--trust-on-first-use", "--display-backend", "wlroots", "--session-command",
                      f"exec {self.dir}/pf-pattern", "--report", str(self.report), *args)

    def probe(self, server, command, *args):
        load = os.getloadavg()[0]
        if not ARGS.json:
            print(f"# load {load:.1f}: {command} {' '.join(map(str, args))}", file=sys.stderr, flush=True)
        r = subprocess.run([PROBE, command, f"127.0.0.1:{server.words()['port']}", "--trust-first", "--json",
                            *map(str, args)], text=True, stdout=subprocess.PIPE)
        if r.returncode:
            sys.exit(f"bench_native: punktfunk-probe {command} ended with {r.returncode}\n{server.stderr()}")
        return {**json.loads(r.stdout), "load": round(load, 2)}


def bench(rounds, changes, seconds):
    out = {}
    with Bench() as b:
        with b.host("--spare-desk=no") as h:
            out["cold"] = b.probe(h, "bench-connect", "--rounds", rounds, "--pause", 1.5)
            out["reconnect"] = b.probe(h, "bench-connect", "--reconnect", "--rounds", rounds)
            out["mode"] = b.probe(h, "bench-mode", "--rounds", changes, "--quit")
            out["720p120"] = b.probe(h, "connect", "--mode", "1280x720@120", "--bitrate", 20000, "--seconds",
                                     seconds, "--quit")
            until(lambda: h.stderr().count("the client quit") == rounds + 2, "the end of the sessions")
            h.end()
        out["720p120"]["host"] = json.loads(b.report.read_text())["sessions"][-1]
    with Bench() as b:
        with b.host("--spare-desk=yes") as h:
            time.sleep(5)
            out["spare"] = b.probe(h, "bench-connect", "--rounds", rounds)
            h.end()
            spares = h.stderr().count("(spare)")
            if spares < rounds:
                print(f"# only {spares} of {rounds} found a spare desk", file=sys.stderr)
    return out


def rows_of(out):
    for name in ("cold", "spare", "reconnect"):
        yield name, "call -> first frame", out[name]["first_frame_ms"], BARS[name]
    yield "mode", "asked -> first frame", out["mode"]["mode_change_ms"], BARS["mode"]
    r = out["720p120"]
    # From the picture that is with us, as the original stamps its frames; how long the compositor
    # copied at it is a host's figure, so this is a difference of medians.
    ours = {"p50": r["transport_ms"]["p50"] - r["host"]["capture_ms"]["p50"]}
    yield "720p120", "with us -> received, less convert + encode", ours, BARS["720p120"]
    yield "", "the same from the compositor's commit", r["transport_ms"], (None, None)
    for name, words in (("capture_ms", "compositor's copy"), ("queue_ms", "queue"), ("convert_ms", "convert")):
        yield "", "  " + words, r["host"][name], (None, None)
    for name, words in (("convert_encode_ms", "convert + encode"), ("host_pace_ms", "sent"),
                        ("link_ms", "sent -> received")):
        yield "", "  " + words, r[name], (None, None)


def main():
    out = bench(*((3, 4, 3) if ARGS.quick else (12, 50, 10)))
    missed = []
    if ARGS.json:
        print(json.dumps(out, indent=1))
    else:
        print(f"{'ms':56s} {'p50':>8s} {'p99':>8s} {'max':>8s} {'n':>6s}   bar p50, p99; load")
    for name, words, q, bars in rows_of(out):
        met = all(bar is None or q[k] <= bar for k, bar in zip(("p50", "p99"), bars))
        if not met:
            missed.append(name)
        if ARGS.json:
            continue
        tail = ", ".join("-" if bar is None else f"{bar:g}" for bar in bars) if name else ""
        tail += f"; {out[name]['load']}{'' if met else '  MISSED'}" if name else ""
        cells = [f"{q[k]:8.2f}" if k in q else " " * 8 for k in ("p50", "p99", "max")]
        print(f"{name:10s}{words:46s} {' '.join(cells)} {q.get('n', ''):>6}   {tail}")
    return 1 if missed else 0


sys.exit(main())
