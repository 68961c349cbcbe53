#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A native client's pads, fingers and pen from punktfunk-probe's script to the nodes that
programs read, and what these say back: a whole host, in a Debian kernel."""
import json
import os
import pathlib
import signal
import subprocess
import sys

ROOT, BUILD = (pathlib.Path(os.environ[name]) for name in ("PF_SOURCE_ROOT", "PF_BUILD_ROOT"))
sys.argv[1:] = [str(BUILD / "host/punktfunk-host")]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/vm")]

import host_bed  # noqa: E402
from host_bed import Place, Server, Skip, until  # noqa: E402
from nodes import EFFECT, EV_ABS, EV_KEY, Node, inputs, light, nodes, own_sway, pads, prepare, stiffen  # noqa: E402

PROBE = BUILD / "clients/probe/punktfunk-probe"
SOUTH, TOUCH, TOOL_PEN, TOOL_RUBBER = 0x130, 0x14A, 0x140, 0x141
ABS_RX, ABS_PRESSURE = 3, 24
SNAPSHOTS, TEXT, PEN = 1, 4, 0x10


class Session:
    """The probe with a script, until it is told to end; `report` is what it printed."""

    def __init__(self, place, server, script, *args):
        assert server.line, f"the host did not start: {server.stderr()}"
        path = place.dir / "script"
        path.write_text(script)
        self.p = subprocess.Popen(
            [PROBE, "connect", f"127.0.0.1:{server.words()['port']}", "--trust-first", "--json",
             "--mode", "320x240@10", "--bitrate", "500", "--identity", place.dir / "client.pem",
             "--timeout", "150", "--input-script", path, *args],
            env=place.env, text=True, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.p.send_signal(signal.SIGTERM)
        out = self.p.communicate(timeout=host_bed.PATIENCE)[0]
        if not kind:
            assert self.p.returncode == 0, self.p.returncode
        self.report = json.loads(out) if out else {}
        self.pads = {p["pad"]: p for p in self.report.get("pads", ())}


def again(begin, *every):
    """What `begin` says once, then each of `every` in turn, twice a second, for minutes."""
    lines = [f"0 {line}" for line in begin]
    for i in range(600):
        lines += [f"{500 * i} {line}" for line in every[i % len(every)]]
    return "\n".join(lines) + "\n"


def pads_there_and_back():
    if not PROBE.exists():
        raise Skip("punktfunk-probe is not built")
    script = again(
        ("pad 0 arrive dualsense", "pad 1 arrive xbox360"),
        ("pad 0 state 0x1000 0 0 20000 0 0 0", "pad 1 state 0x1000",
         "pad 0 touch 0 0.5 0.5", "pad 0 motion 100 0 0 0 1 0"),
        ("pad 0 state 0", "pad 1 state 0", "pad 0 lift 0",
         "pad 0 motion 0 0 0 0 1 0"))
    with Place() as place, Server(place, "--display-backend", "pattern", "--trust-on-first-use=yes",
                                  "--audio=no", "--desk-keep-alive-s", "300") as h:
        with Session(place, h, script) as s:
            found = pads(3 + 1)
            print("# " + "; ".join(f"{i} {part}: {n.name}" for (i, part), n in found.items()))
            assert found[0, "pad"].id == (0x054C, 0x0CE6), found[0, "pad"].id
            assert found[1, "pad"].id == (0x045E, 0x028E), found[1, "pad"].id
            for i in range(2):
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)
                found[i, "pad"].wait(EV_KEY, SOUTH, 0)
            found[0, "touch"].wait(EV_KEY, TOUCH, 1)
            # The host sees who opens the node from when udev let it look.
            sensor = Node(found[0, "motion"].path)
            until(lambda: any(k == EV_ABS and c == ABS_RX and v > 50000
                              for k, c, v in sensor.read()), "motion")
            found[1, "pad"].rumble(40000, 20000)
            found[0, "pad"].rumble(0xFFFF, 0)
            light(found[0, "pad"])
            stiffen(found[0, "pad"])
            # Longer than a lease: it is renewed, and ends when the program ends it.
            for i in range(2):
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)
                found[i, "pad"].play(0)
                found[i, "pad"].wait(EV_KEY, SOUTH, 0)
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)
        print(f"# {s.pads}")
        assert s.report["host_caps"] & (SNAPSHOTS | TEXT | PEN) == SNAPSHOTS, s.report["host_caps"]
        assert s.pads[1]["rumble_max"] == [40000, 20000, 0, 0], s.pads
        assert s.pads[0]["rumble_max"][0] > 60000, s.pads
        assert all(s.pads[i]["rumble"] == [0, 0, 0, 0] for i in range(2)), s.pads
        # On, perhaps the other motor apart, and off: not once a renewal.
        assert all(2 <= s.pads[i]["rumbles"] <= 4 for i in range(2)), s.pads
        assert s.pads[0]["light"] == "0ac81e" and s.pads[0]["effect_l2"] == EFFECT.hex(), s.pads
        assert s.pads[0]["player"] is not None, s.pads  # the driver's own choice

        # The client is away: what it held is let go, and the program keeps its pads.
        for i in range(2):
            found[i, "pad"].wait(EV_KEY, SOUTH, 0)
        assert all(n.alive() for n in found.values())
        with Session(place, h, script, "--quit") as s:
            for i in range(2):
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)
        # Told again: it is another client for all that the pad knows.
        assert s.pads[0]["light"] == "0ac81e" and s.pads[0]["effect_l2"] == EFFECT.hex(), s.pads
        until(lambda: not nodes(), "the end of the devices")
        h.end()


def fingers_and_pen_reach_the_users_desk():
    if not PROBE.exists():
        raise Skip("punktfunk-probe is not built")
    script = again(
        (),
        ("touch 7 down 160 120", "touch 7 up"),
        ("pen over 0.25 0.5", "pen down 0.25 0.5 0.5"),
        ("pen down 0.75 0.5 1 eraser", "pen out 0 0"))
    with Place() as p, own_sway(p) as socket:
        with Server(p, "--display-backend", "session", "--trust-on-first-use=yes", "--audio=no",
                    WAYLAND_DISPLAY=socket) as h:
            with Session(p, h, script) as s:
                until(lambda: "punktfunk_pen" in inputs(p) and "punktfunk_touch_screen" in inputs(p),
                      "touch screen and pen in sway")
                found = {n.name: n for n in nodes()}
                screen, pen = found["punktfunk touch screen"], found["punktfunk pen"]
                screen.wait(EV_KEY, TOUCH, 1)
                screen.wait(EV_KEY, TOUCH, 0)
                pen.wait(EV_KEY, TOOL_PEN, 1)
                pen.wait(EV_KEY, TOUCH, 1)
                pen.wait(EV_KEY, TOOL_RUBBER, 1)
                until(lambda: any(k == EV_ABS and c == ABS_PRESSURE and 2000 < v < 2100
                                  for k, c, v in pen.read()), f"pressure: {pen.seen}")
            assert s.report["host_caps"] & (SNAPSHOTS | TEXT | PEN) == SNAPSHOTS | TEXT | PEN, s.report
            h.end()


prepare()
host_bed.main([pads_there_and_back, fingers_and_pen_reach_the_users_desk])
