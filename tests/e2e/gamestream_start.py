#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The way to the first picture: spare desks, resume, and desks that fail on the way.

usage: gamestream_start.py PUNKTFUNK-HOST [LOOK PF-PATTERN PF-TONE]. Prints TAP."""
import json
import os
import pathlib
import re
import signal
import sys
import time

import gs_bed  # first: it finds the others
import host_bed
from gs import client
from host_bed import until

TOOLS = sys.argv[2:5]
# A display that fails this long after the launch: a busy machine opens its encoder before.
LATE_S = 2 * gs_bed.slow()
LATE_FAILURE = f"delay-ms={LATE_S * 1000},fail-open=1"
# How the protocol says that the host cannot go on (gamestream.md 6.5).
HOST_ERROR = 0x800E9403


def starts(h):
    """Of each first picture so far: where its desk came from, and the steps in ms."""
    return [(desk, {k: float(v) for k, v in (s.rsplit(" ", 1) for s in steps.split(", "))})
            for desk, steps in re.findall(
                r"first picture on desk \d+ \(([^)]*)\), ms since the launch: (.*)", h.stderr())]


def status(h):
    return json.loads(h.command("status", "--json"))


def spare(h):
    return status(h).get("spare_desk", {"ready": False})


def state(pid):
    return (pathlib.Path("/proc") / pid / "stat").read_text().rsplit(")", 1)[1].split()[0]


def a_spare_desk_is_ready_and_becomes_the_clients():
    with gs_bed.Desk(TOOLS) as d:
        command = gs_bed.desk_command(d, "exec pf-pattern --report seen.json")
        with gs_bed.Host(d, "--session-command", command, "--spare-desk=yes",
                         display="wlroots", clients=2) as h:
            until(lambda: spare(h)["ready"], "a spare desk")
            print(f"# {spare(h)}")
            assert spare(h)["mode"] == "1920x1080@60" and spare(h)["memory_kib"] > 1000
            sway, = gs_bed.programs(d, ["sway"])
            until(lambda: state(sway) == "T", "its rest")
            assert not gs_bed.programs(d, ["pf-pattern"]), "nothing runs in it"

            with client.Session(h.clients[0], width=1024, height=768) as s:
                s.start().frames(5)
                until(lambda: starts(h), "the log")
                assert starts(h)[0][0] == "spare", starts(h)
                assert gs_bed.programs(d, ["sway"]) == [sway]
                until(lambda: (d.seen()["mode_width"], d.seen()["mode_height"]) == (1024, 768),
                      "the mode, as the program sees it")
                steps, = (x["start_ms"] for x in status(h)["sessions"])
                print(f"# {steps}")
                assert 0 <= steps["announce"] <= steps["answered"] <= steps["sent"], steps
                # It is gone, and while someone streams there is no other.
                with client.Session(h.clients[1], width=640, height=480) as other:
                    other.start().frames(5)
                    until(lambda: len(starts(h)) == 2, "the log")
                    assert starts(h)[1][0] == "new", starts(h)
                    assert not spare(h)["ready"]
                    assert len(gs_bed.programs(d, ["sway"])) == 2
                h.clients[1].cancel()
            # Left, not quit: the desk waits for its client, who finds his programs, and
            # his encoder once the session before is all over.
            until(lambda: not status(h)["sessions"], "the end of the session")
            with client.Session(h.clients[0], width=1024, height=768) as s:
                s.start(resume=True).frames(5)
                until(lambda: len(starts(h)) == 3, "the log")
                assert starts(h)[2][0] == "kept, encoder kept", starts(h)
                assert [x["encoder_kept"] for x in status(h)["sessions"]] == [True]
                assert s.video.frames[0].type == 2, "it begins with a key frame"
                assert sway in gs_bed.programs(d, ["sway"])
            # In another mode it is opened anew.
            with client.Session(h.clients[0], width=800, height=600) as s:
                s.start(resume=True).frames(5)
                until(lambda: len(starts(h)) == 4, "the log")
                assert starts(h)[3][0] == "kept", starts(h)
            h.clients[0].cancel()
            until(lambda: spare(h)["ready"], "the next spare desk")
            # It may have been made between two sessions: in the mode asked for last.
            assert spare(h)["mode"] in ("640x480@60", "1024x768@60", "800x600@60"), spare(h)
            until(lambda: sway not in gs_bed.programs(d), "the end of the one that was used")
            h.end()
        assert not gs_bed.programs(d), "nothing outlives the host"


def a_spare_desk_that_died_is_not_missed():
    with gs_bed.Desk(TOOLS) as d:
        with gs_bed.Host(d, "--session-command", "", "--spare-desk=yes",
                         display="wlroots") as h:
            until(lambda: spare(h)["ready"], "a spare desk")
            sway, = gs_bed.programs(d, ["sway"])
            os.kill(int(sway), signal.SIGKILL)
            until(lambda: not spare(h)["ready"], "the news")
            assert "the spare desk ended" in h.stderr()
            with gs_bed.session(h.clients[0]) as s:
                s.start().frames(1)
                until(lambda: starts(h), "the log")
                assert starts(h)[0][0] == "new", starts(h)
            h.end()


def a_desk_that_fails_after_the_answer_is_told():
    """The answer to ANNOUNCE does not wait for the desk; the client still hears."""
    for late in (False, True):
        with gs_bed.host("--display-options", LATE_FAILURE, display="null") as h:
            with gs_bed.session(h.clients[0]) as s:
                s.launch()
                start = time.monotonic()
                s.handshake()
                print(f"# answered after {1000 * (time.monotonic() - start):.0f} ms")
                assert "null display failed" not in h.stderr(), "answered before"
                if late:
                    time.sleep(LATE_S + 1)
                s.open().connect()
                assert s.ended() == HOST_ERROR
            assert "the null display failed at step 1" in h.stderr()


def a_host_does_not_wait_for_who_never_comes():
    """A failed start leaves words for its client; a shutdown does not wait for him."""
    with gs_bed.host("--display-options", LATE_FAILURE, display="null") as h:
        gs_bed.session(h.clients[0]).launch().handshake()
        time.sleep(LATE_S + 1)
        start = time.monotonic()
        h.end()
        assert time.monotonic() - start < 3 * gs_bed.slow()


host_bed.main([a_spare_desk_is_ready_and_becomes_the_clients,
               a_spare_desk_that_died_is_not_missed,
               a_desk_that_fails_after_the_answer_is_told,
               a_host_does_not_wait_for_who_never_comes])
