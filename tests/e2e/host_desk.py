#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Real desks: a private sway and PipeWire per client, seen through
punktfunk-probe and through Wayland clients inside.

usage: host_desk.py PUNKTFUNK-HOST PUNKTFUNK-PROBE PF-PATTERN PF-TONE. Prints TAP."""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

import host_bed
from host_bed import PATIENCE, Place, Server, Skip, until

PROBE, PATTERN, TONE = sys.argv[2:5]
SLOW = 4 if os.environ.get("PF_SANITIZE") else 1
MODES = ["1280x720@60", "1920x1080@60", "2560x1440@120", "3840x2160@60", "5120x1440@240"]


class Desks(Place):
    """A place with the programs that run inside a desk."""

    def __init__(self):
        for program in ("sway", "pipewire"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        super().__init__()
        for tool in (PATTERN, TONE):
            shutil.copy(tool, self.dir / pathlib.Path(tool).name)
        self.own()

    def command(self, text):
        """A session command: `text` with the tools at hand, in a writable folder."""
        script = self.dir / "session"
        script.write_text(f"#!/bin/sh\ncd {self.dir}\nPATH={self.dir}:$PATH\n{text}\n")
        script.chmod(0o755)
        self.own()
        return str(script)

    def children(self):
        """Processes other than the host whose environment points into this place."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            try:
                env = (entry / "environ").read_bytes()
            except (OSError, ValueError):
                continue
            inside = [v for v in env.split(b"\0") if v.startswith(b"XDG_RUNTIME_DIR=")]
            if inside and str(self.dir / "runtime_dir" / "punktfunk-").encode() in inside[0]:
                found.append(int(entry.name))
        return found


def probe(server, *args):
    argv = [PROBE, "connect", f"127.0.0.1:{server.words()['port']}", "--trust-first", "--json",
            "--timeout", str(20 * SLOW), *map(str, args)]
    return subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def result(p):
    out, err = p.communicate(timeout=PATIENCE * SLOW)
    assert p.returncode == 0, f"probe ended with {p.returncode}: {err}{out}"
    return json.loads(out)


def tones(*args):
    """What the sound must be; a sanitized pf-tone is too slow to play it cleanly."""
    return [] if SLOW > 1 else args


def serve(place, command, *args):
    return Server(place, "--trust-on-first-use", "--session-command", command,
                  "--display-backend", "wlroots", *args)


def a_desktop_with_sound_and_input():
    with Desks() as d:
        command = d.command("pf-pattern --report seen.json & exec pf-tone --hz 440")
        script = d.dir / "input"
        script.write_text("".join(f"{500 + 10 * i} move {100 + i} {100 + i}\n" for i in range(50))
                          + "1100 click 1\n1200 key 0x41 tap\n1300 scroll 120\n")
        with serve(d, command, "--report", str(d.dir / "report.json")) as s:
            r = result(probe(s, "--seconds", 3, "--verify", "--max-not-shown", 100,
                             "--input-script", script, *tones("--expect-tone", 440)))
            print(f"# first picture after {r['first_frame_ms']:.0f} ms, "
                  f"sound after {r['first_sound_ms']:.0f} ms")
            assert r["strip_not_forward"] == 0 and r["strips"] > 10, r
            assert r["audio_packets"] > 100, r
            until(lambda: "frames sent" in s.stderr(), "the end of the session")
            s.end()
            seen = json.loads((d.dir / "seen.json").read_text())
            host = json.loads((d.dir / "report.json").read_text())["sessions"][0]
        counts = json.dumps(seen)
        assert "1280" in counts and "720" in counts, counts
        assert host["input_events"] == r["input_events_sent"], (host, r)
        assert host["frames_sent"] > 10 and host["frames_dropped"] == 0
        assert host["close_code"] == 0
        assert not d.children()
        return seen


def two_clients_each_their_own():
    with Desks() as d:
        command = d.command("case $(pf-pattern --print-modes) in *1280x720*) hz=440;; "
                            "*) hz=880;; esac\npf-pattern & exec pf-tone --hz $hz")
        with serve(d, command) as s:
            a = probe(s, "--seconds", 4, "--mode", "1280x720@60", "--verify", "--max-not-shown",
                      200, *tones("--expect-tone", 440, "--reject-tone", 880))
            b = probe(s, "--seconds", 4, "--mode", "800x600@60", "--verify", "--max-not-shown",
                      200, *tones("--expect-tone", 880, "--reject-tone", 440))
            ra, rb = result(a), result(b)
            assert ra["mode"] == "1280x720@60" and rb["mode"] == "800x600@60"
            s.end()


def every_mode_is_made_exactly():
    with Desks() as d:
        for mode in MODES:
            out = d.dir / "modes"
            out.unlink(missing_ok=True)
            command = d.command("pf-pattern --print-modes >modes.new; mv modes.new modes; "
                                "exec pf-pattern --hz 5")
            with serve(d, command, "--audio=no") as s:
                r = result(probe(s, "--frames", 3, "--mode", mode))
                assert r["mode"] == mode
                until(out.exists, "the client inside")
                size, hz = mode.split("@")
                want = f"{size}@{int(hz) * 1000}"
                assert out.read_text().split()[1] == want, out.read_text()
                s.end()
        with serve(d, d.command("pf-pattern --print-modes >modes; exec pf-pattern"),
                   "--audio=no") as s:
            # As documented: odd sizes lose a pixel, others are refused with words.
            assert result(probe(s, "--frames", 1, "--mode", "1281x721@60"))["mode"] == "1280x720@60"
            p = probe(s, "--frames", 1, "--mode", "9000x720@60")
            assert p.wait(timeout=PATIENCE) != 0
            assert "8192" in p.stderr.read() + p.stdout.read()


def who_comes_back_finds_the_windows():
    with Desks() as d:
        command = d.command("echo start >>starts; exec pf-pattern")
        key = d.dir / "key.pem"
        with serve(d, command, "--audio=no") as s:
            for _ in range(2):
                result(probe(s, "--frames", 5, "--identity", key))
            # Another size: the same windows.
            r = result(probe(s, "--frames", 5, "--identity", key, "--mode", "1024x768@60"))
            assert r["mode"] == "1024x768@60"
            print(f"# back after {r['first_frame_ms']:.0f} ms with another size")
            assert (d.dir / "starts").read_text().split() == ["start"]
            result(probe(s, "--frames", 5, "--identity", key, "--quit"))
            until(lambda: not d.children(), "the end of the desk")
            result(probe(s, "--frames", 5, "--identity", key))
            assert (d.dir / "starts").read_text().split() == ["start"] * 2
            s.end()
            assert not d.children()


def nothing_outlives_the_host():
    with Desks() as d:
        command = d.command("setsid sleep 1000 & pf-tone --hz 440 & exec pf-pattern")
        with serve(d, command) as s:
            p = probe(s, "--seconds", 60)
            until(lambda: len(d.children()) >= 5, "sway, pipewire and programs")
            s.p.send_signal(signal.SIGKILL)
            s.p.wait()
            until(lambda: not d.children(), "the end of all children")
            p.kill()
            p.communicate()
        left = list((d.dir / "runtime_dir").iterdir())
        assert left, "a killed host cannot tidy up"
        with serve(d, "") as s:
            assert not list((d.dir / "runtime_dir").iterdir()), "the next one does"
            s.end()


def a_compositor_that_dies_is_told_and_replaced():
    with Desks() as d:
        with serve(d, d.command("exec pf-pattern"), "--audio=no") as s:
            p = probe(s, "--seconds", 60)
            until(lambda: [c for c in d.children() if comm(c) == "sway"], "sway")
            time.sleep(1)
            for c in d.children():
                if comm(c) == "sway":
                    os.kill(c, signal.SIGKILL)
            out, err = p.communicate(timeout=PATIENCE * SLOW)
            # Whoever notices first says it: capture, or the watch over the display.
            assert p.returncode != 0 and json.loads(out)["close_code"] == 0x68, err
            assert any(w in err for w in ("display ended", "went away")), err
            result(probe(s, "--frames", 5))
            s.end()


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def two_signals_end_it_at_once():
    with Desks() as d:
        command = d.command("trap '' TERM; pf-pattern & wait; sleep 1000")
        with serve(d, command, "--audio=no") as s:
            p = probe(s, "--seconds", 60)
            until(lambda: len(d.children()) >= 3, "the program")
            s.p.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            s.p.send_signal(signal.SIGTERM)
            # 9 when the second came before the program's grace was over.
            assert s.p.wait(timeout=PATIENCE) in (9, 0)
            until(lambda: not d.children(), "the end of all children")
            p.kill()
            p.communicate()


host_bed.main([a_desktop_with_sound_and_input, two_clients_each_their_own,
               every_mode_is_made_exactly, who_comes_back_finds_the_windows,
               nothing_outlives_the_host, a_compositor_that_dies_is_told_and_replaced,
               two_signals_end_it_at_once])
