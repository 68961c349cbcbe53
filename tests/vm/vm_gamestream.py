#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A Moonlight client's gamepads from its packets to the nodes that programs read, and what
these say back: a whole host with a synthetic picture, in a Debian kernel."""
import json
import os
import pathlib
import struct
import sys
import time

ROOT, BUILD = (pathlib.Path(os.environ[name]) for name in ("PF_SOURCE_ROOT", "PF_BUILD_ROOT"))
sys.argv[1:] = [str(BUILD / "host/punktfunk-host")]
sys.path[:0] = [str(ROOT / "tests/e2e"), str(ROOT / "tests/vm")]

import gs_bed  # noqa: E402
import host_bed  # noqa: E402
from gs import client, control  # noqa: E402
from host_bed import Skip, until  # noqa: E402
from nodes import EFFECT, EV_ABS, EV_KEY, Node, inputs, light, nodes, own_sway, pads, prepare, stiffen  # noqa: E402

RUMBLE, TRIGGER_RUMBLE, TOUCHPAD, ACCEL, GYRO, BATTERY, LED = 2, 4, 8, 0x10, 0x20, 0x40, 0x80
RICH = RUMBLE | TOUCHPAD | ACCEL | GYRO | BATTERY | LED
UNKNOWN, XBOX, PLAYSTATION = 0, 1, 2
PADS = [(XBOX, RUMBLE | TRIGGER_RUMBLE), (UNKNOWN, RUMBLE), (PLAYSTATION, RICH), (XBOX, RUMBLE | GYRO)]
PRODUCTS = [(0x045E, None), (0x045E, None), (0x054C, 0x0CE6), (0x054C, 0x0CE6)]
A, SOUTH = 0x1000, 0x130
TRIGGERS = 2, 8, EFFECT[0], 0, EFFECT[1:], bytes(10)  # of pad 2, the left side
SIZE = {"width": 320, "height": 240, "fps": 10, "kbps": 500}


def messages(s, kind):
    return [payload for k, payload in s.messages if k == kind]


def heard(s, kind, *values, form="<HHH"):
    """Waits for this message."""
    want = struct.pack(form, *values)
    until(lambda: want in [p[-len(want):] for p in messages(s, kind)],
          f"{kind:#x} {values}; {s.messages}")


def arrive(s):
    for i, (kind, capabilities) in enumerate(PADS):
        s.input(control.pad_arrival(i, kind, capabilities), control.PAD + i)
        s.input(control.pad(i, (2 << i) - 1), control.PAD + i)


def four_pads_there_and_back():
    with gs_bed.host("--audio=no", "--desk-keep-alive-s", "300") as h:
        w = h.clients[0]
        with client.Session(w, **SIZE) as s:
            s.start().frames(1)
            assert "featureFlags:2\r\n" in s.description, s.description
            arrive(s)
            found = pads(2 + 2 * 3)
            print("# " + "; ".join(f"{i} {part}: {n.name}" for (i, part), n in found.items()))
            for i, (vendor, product) in enumerate(PRODUCTS):
                have = found[i, "pad"].id
                assert have[0] == vendor and product in (None, have[1]), (i, have)
            assert found[0, "pad"].id != found[1, "pad"].id
            for i in range(4):
                s.input(control.pad(i, 15, A, 0, 0, (0, 20000, 0, 0)), control.PAD + i)
            for i in range(4):
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)

            found[0, "pad"].rumble(40000, 20000)
            heard(s, control.RUMBLE, 0, 40000, 20000)
            found[0, "pad"].play(0)
            heard(s, control.RUMBLE, 0, 0, 0)
            # On a link that carries nothing little is kept, but the last word.
            before = len(messages(s, control.RUMBLE))
            s.deaf_until = time.monotonic() + 60
            for i in range(400):
                found[0, "pad"].play(i % 2)
                time.sleep(0.001)  # the host takes what comes at once together
            found[0, "pad"].play(0)
            time.sleep(0.5)
            s.deaf_until = 0
            until(lambda: len(messages(s, control.RUMBLE)) > before, "rumble after the silence")
            time.sleep(2)
            told = messages(s, control.RUMBLE)[before:]
            print(f"# 400 changes in {len(told)} messages")
            assert len(told) < 40 and told[-1][-6:] == bytes(6), told[-3:]
            # The kernel's driver halves what Sony's motors get to their 8 bits.
            found[2, "pad"].rumble(0xFFFF, 0)
            until(lambda: any(struct.unpack("<HHH", p[-6:])[0] == 2 and struct.unpack(
                "<HHH", p[-6:])[1] > 60000 for p in messages(s, control.RUMBLE)), "its rumble")
            light(found[2, "pad"])
            heard(s, control.LED, 2, 10, 200, 30, form="<HBBB")
            # Pad 3 has no light: the client is not told of one.
            light(found[3, "pad"])
            stiffen(found[2, "pad"])
            heard(s, control.ADAPTIVE_TRIGGERS, *TRIGGERS, form="<HBBB10s10s")
            # The host sees who opens the node from when udev let it look.
            sensor = Node(found[2, "motion"].path)
            until(lambda: any(p[:2] == b"\2\0" and p[4] == 2 for p in messages(
                s, control.MOTION_REQUEST)), "a request for motion")
            s.input(control.pad_motion(2, 2, 100.0, 0, 0), control.PAD_MOTION + 2, reliable=False)
            until(lambda: any(k == EV_ABS and c == 3 and v > 50000 for k, c, v in sensor.read()),
                  f"motion: {sensor.seen}")
            s.input(control.pad_touch(2, 1, 5, 0.5, 0.5), control.PAD + 2)
            found[2, "touch"].wait(EV_KEY, 0x14A, 1)  # BTN_TOUCH
            assert not [p for p in messages(s, control.LED) if p[0] == 3]

        # The client is away: what it held is let go, and the program keeps its pads.
        for i in range(4):
            found[i, "pad"].wait(EV_KEY, SOUTH, 0)
        assert all(n.alive() for n in found.values())

        with client.Session(w, **SIZE) as s:
            s.start(resume=True).frames(1)
            arrive(s)
            # Told again: it is another client for all the pad knows.
            heard(s, control.LED, 2, 10, 200, 30, form="<HBBB")
            heard(s, control.ADAPTIVE_TRIGGERS, *TRIGGERS, form="<HBBB10s10s")
            for i in range(4):
                s.input(control.pad(i, 15, A), control.PAD + i)
            for i in range(4):
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)
            s.input(control.pad(1, 0b1101), control.PAD + 1)
            until(lambda: not found[1, "pad"].alive(), "the end of pad 1")
            assert all(found[i, "pad"].alive() for i in (0, 2, 3))
        assert all(found[i, "pad"].alive() for i in (0, 2, 3))
        w.cancel()
        until(lambda: not nodes(), "the end of the devices")


def the_setting_chooses_the_kind():
    with gs_bed.host("--audio=no", "--gamepad", "dualshock4") as h:
        w = h.clients[0]
        with client.Session(w, **SIZE) as s:
            s.start().frames(1)
            # An older client announces by the state alone, and knows rumble only.
            s.input(control.pad(0, 1), control.PAD)
            found = pads(3)
            assert found[0, "pad"].id[0] == 0x054C, found[0, "pad"].id
            found[0, "pad"].rumble(0xFFFF, 0xFFFF)
            until(lambda: messages(s, control.RUMBLE), "its rumble")
            assert {k for k, _ in s.messages} == {control.RUMBLE}, s.messages
            # Without the grant the pad leaves; with it again the next state brings it back.
            h.command("clients", "set", w.identity.fingerprint, "--grants", "keyboard,pointer")
            until(lambda: not nodes(), "the end of a pad that is not granted")
            s.input(control.pad(0, 1, A), control.PAD)
            s.delivered()
            assert not nodes()
            h.command("clients", "set", w.identity.fingerprint, "--grants", "all")
            s.input(control.pad(0, 1, A), control.PAD)
            found = pads(3)
            found[0, "pad"].rumble(0xFFFF, 0xFFFF)
            count = len(messages(s, control.RUMBLE))
            until(lambda: len(messages(s, control.RUMBLE)) > count, "its rumble")
            w.cancel()
            assert s.ended() == control.NORMAL_END
        # What still shook was told to stop before the goodbye.
        assert messages(s, control.RUMBLE)[-1][-4:] == bytes(4)
        until(lambda: not nodes(), "the end of the devices")


def a_touch_lands_where_the_client_looks():
    """The user's own sway, with a screen of its own beside the client's output."""
    if not (BUILD / "tools/pattern/pf-pattern").exists():
        raise Skip("pf-pattern is missing")
    with host_bed.Place() as p:
        gs_bed.desk_tools(p, BUILD / "tools/pattern/pf-pattern")
        with own_sway(p) as socket:
            command = gs_bed.desk_command(p, "exec pf-pattern --report seen.json")
            with gs_bed.Host(p, "--audio=no", "--session-command", command, display="session",
                             WAYLAND_DISPLAY=socket) as h:
                touch_and_see(p, h)
                h.end()


def touch_and_see(p, h):
    def seen():
        return json.loads((p.dir / "seen.json").read_text())
    with client.Session(h.clients[0], **{**SIZE, "width": 640, "height": 480}) as s:
        s.start().frames(1)
        assert "featureFlags:3\r\n" in s.description, s.description
        until(lambda: (p.dir / "seen.json").exists() and seen()["frames_drawn"] > 2, "the program")
        until(lambda: "20550:1:punktfunk_touch_screen" in inputs(p), "the touch screen in sway")
        # A program that knows no touch: sway makes a pointer of it.
        for x, y in ((0.25, 0.5), (0.75, 0.125)):
            before = seen()["buttons_pressed"]
            s.input(control.touch(1, 7, x, y), control.TOUCH)
            until(lambda: seen()["buttons_pressed"] > before, f"a touch: {seen()}")
            s.input(control.touch(2, 7, x, y), control.TOUCH)
            until(lambda: seen()["buttons_released"] == before + 1, "its end")
            at = seen()["pointer_x"], seen()["pointer_y"]
            print(f"# touched {x}, {y}: {at}")
            assert abs(at[0] - 640 * x) <= 2 and abs(at[1] - 480 * y) <= 2, at
        h.clients[0].cancel()
        assert s.ended() == control.NORMAL_END


prepare()
host_bed.main([four_pads_there_and_back, the_setting_chooses_the_kind,
               a_touch_lands_where_the_client_looks])
