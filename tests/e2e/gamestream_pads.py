#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Gamepads, touch and pen of Moonlight clients. Where the kernel has no devices to make,
the host says so once, promises nothing, and all else goes on.

usage: gamestream_pads.py PUNKTFUNK-HOST. Prints TAP."""
import json
import os
import re

import gs_bed  # first: it finds the others
import host_bed
from gs import client, control
from host_bed import Skip, until

XBOX, PLAYSTATION, NINTENDO = 1, 2, 3
RUMBLE, TRIGGER_RUMBLE, TOUCHPAD, ACCEL, GYRO, BATTERY, LED = 2, 4, 8, 0x10, 0x20, 0x40, 0x80
PADS, PEN_TOUCH = 2, 1  # feature flags
NODES = ("/dev/uinput", "/dev/uhid")
bed = gs_bed.Shared("--audio-backend", "null", clients=8)


def missing():
    return [n for n in NODES if not os.access(n, os.R_OK | os.W_OK)]


def features(s):
    return int(re.search(r"x-ss-general.featureFlags:(\d+)\r\n", s.description).group(1))


def figures():
    status = json.loads(bed.host.command("status", "--json"))
    return status, [s for s in status["sessions"] if s["plane"] == "gamestream"]


def everything(s):
    """One event of each kind; how many that were."""
    events = [
        (control.PAD, control.pad_arrival(0, XBOX, RUMBLE | TRIGGER_RUMBLE)),
        (control.PAD, control.pad(0, 1)),
        (control.PAD, control.pad(0, 1, 0x1000, 255, 0, (100, -100, 0, 0))),
        (control.PAD + 1, control.pad_arrival(
            1, PLAYSTATION, RUMBLE | TOUCHPAD | ACCEL | GYRO | BATTERY | LED)),
        (control.PAD + 1, control.pad(1, 3)),
        (control.PAD + 1, control.pad_touch(1, 1, 7, 0.5, 0.5)),
        (control.PAD + 1, control.pad_battery(1, 2, 50)),
        (control.PAD_MOTION + 1, control.pad_motion(1, 2, 1.0, 2.0, 3.0)),
        (control.TOUCH, control.touch(1, 1, 0.5, 0.5)),
        (control.TOUCH, control.touch(2, 1, 0.5, 0.5)),
        (control.PEN, control.pen(0, 0.5, 0.5)),
        (control.PAD + 1, control.pad(1, 1)),
        (control.KEYBOARD, control.key(True, 0x41)),
        (control.KEYBOARD, control.key(False, 0x41)),
    ]
    for channel, event in events:
        s.input(event, channel)
    s.delivered()
    return len(events)


def what_cannot_be_made_is_said_and_not_promised():
    if not missing():
        raise Skip("this machine can make every device")
    with client.Session(bed.client()) as s:
        s.start().frames(2)
        # A desk of its own reads no device of the kernel's.
        assert not features(s) & PEN_TOUCH, s.description
        assert bool(features(s) & PADS) == ("/dev/uhid" not in missing()), s.description
        status, before = figures()
        assert any("gamepad" in n and missing()[0] in n for n in status["notices"]), status
        sent = everything(s)
        until(lambda: figures()[1][0]["input_events"] >= before[0]["input_events"] + sent,
              "the input")
        s.frames(3)
        assert figures()[1][0]["control_dropped"] == 0
        assert not s.messages, s.messages
    s.web.cancel()
    said = [line for line in bed.end().splitlines() if "gamepad" in line]
    assert len(said) == 1 and missing()[0] in said[0], said
    print(f"# {said[0]}")


host_bed.main([what_cannot_be_made_is_said_and_not_promised])
