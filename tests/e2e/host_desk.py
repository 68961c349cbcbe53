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
from host_bed import PATIENCE, ROOT, USER, Place, Server, Skip, until

PROBE, PATTERN, TONE = sys.argv[2:5]
SLOW = 4 if os.environ.get("PF_SANITIZE") else 1
FEW = 10 // SLOW  # pictures that a few seconds have at the least
MODES = ["1280x720@60", "1920x1080@60", "2560x1440@120", "3840x2160@60", "5120x1440@240"]
DISPLAY_DIED = 0x68  # PUNKTFUNK_CLOSE_SETUP_FAILED


class Desks(Place):
    """A place with the programs that run inside a desk."""

    def __init__(self):
        for program in ("sway", "pipewire"):
            if not shutil.which(program):
                raise Skip(f"{program} is not installed")
        super().__init__()
        self.env["PF_E2E_MARK"] = self.dir.name
        for tool in (PATTERN, TONE):
            shutil.copy(tool, self.dir / pathlib.Path(tool).name)
        self.own()

    def __exit__(self, *_):
        until(lambda: not self.processes(),
              lambda: f"the end of all that the host started: {self.processes()}")
        super().__exit__()

    def command(self, text):
        """A session command: `text` with the tools at hand, in a writable folder."""
        script = self.dir / "session"
        script.write_text(f"#!/bin/sh\ncd {self.dir}\nPATH={self.dir}:$PATH\n{text}\n")
        script.chmod(0o755)
        self.own()
        return str(script)

    def processes(self):
        """Command lines, by id, of all that inherited this place's environment."""
        mark, found = f"PF_E2E_MARK={self.dir.name}".encode(), {}
        for entry in pathlib.Path("/proc").iterdir():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    words = (entry / "cmdline").read_bytes().decode(errors="replace")
                    found[int(entry.name)] = words.replace("\0", " ").strip()
            except (OSError, ValueError):
                pass
        return found

    def runs(self, *programs):
        """Whether each of these runs in the desk."""
        lines = "\n".join(self.processes().values())
        return all(p in lines for p in programs)

    def seen(self, name="seen.json"):
        """What a pattern inside reported; it says so first when it was drawn."""
        until((self.dir / name).exists,
              lambda: f"the report {name} of the client inside; there run {self.processes()}")
        return json.loads((self.dir / name).read_text())


def probe(server, *args):
    argv = [PROBE, "connect", f"127.0.0.1:{server.words()['port']}", "--trust-first", "--json",
            "--timeout", str(20 * SLOW), *map(str, args)]
    return subprocess.Popen(argv, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            stdin=subprocess.DEVNULL)


def result(p):
    out, err = p.communicate(timeout=PATIENCE * SLOW)
    assert p.returncode == 0, f"probe ended with {p.returncode}: {err}{out}"
    return json.loads(out)


def closed(p):
    """The close code of a probe whose stream ended before its time."""
    out, err = p.communicate(timeout=PATIENCE * SLOW)
    assert p.returncode == 4, f"probe ended with {p.returncode}: {err}{out}"
    return json.loads(out)["close_code"], err


def near(r, hz):
    """Whether both sides sing at `hz`. A loaded machine leaves gaps in the sound; each
    shifts its phase, and many of them its pitch."""
    return all(abs(r[k] - hz) < 25 for k in ("audio_tone_hz", "audio_tone_right_hz"))


def serve(place, command, *args):
    return Server(place, "--trust-on-first-use", "--session-command", command,
                  "--display-backend", "wlroots", *args)


def a_desktop_with_sound_and_input():
    with Desks() as d:
        command = d.command("pf-pattern --report seen.json & exec pf-tone --hz 440 --gain 0.2")
        script = d.dir / "input"
        script.write_text("".join(f"{1500 + 10 * i} move {100 + i} {100 + i}\n" for i in range(50))
                          + "2100 click 1\n2200 key 0x41 tap\n2300 scroll 120\n")
        with serve(d, command, "--report", str(d.dir / "report.json")) as s:
            r = result(probe(s, "--seconds", 4, "--expect-content", "--verify", "--max-not-shown", 1000,
                             "--input-script", script))
            print(f"# first picture after {r['first_frame_ms']:.0f} ms, "
                  f"sound after {r['first_sound_ms']:.0f} ms, {r['audio_tone_hz']:.0f} Hz")
            assert near(r, 440), r
            assert r["strip_not_forward"] == 0 and r["strips"] > FEW, r
            assert r["audio_packets"] > 100 // SLOW, r
            until(lambda: d.seen()["steps_y"] != 0, "the last of the input")
            seen = d.seen()
            assert (seen["mode_width"], seen["mode_height"]) == (1280, 720), seen
            # The first move only enters the window.
            assert seen["motions"] >= 45 and seen["pointer_x"] == 149, seen
            assert seen["text"] == "a", seen
            assert seen["buttons_pressed"] == seen["buttons_released"] == 1, seen
            until(lambda: "frames sent" in s.stderr(), "the end of the session")
            s.end()
            host = json.loads((d.dir / "report.json").read_text())["sessions"][0]
        assert host["input_events"] == r["input_events_sent"], (host, r)
        assert host["frames_sent"] > FEW and host["frames_dropped"] == 0
        assert host["close_code"] == 0
        assert not d.processes()


def state(pid):
    return (pathlib.Path("/proc") / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0]


def a_spare_desk_then_the_kept_one_with_its_encoder():
    with Desks() as d:
        def resting():
            return [p for p, line in d.processes().items() if line.startswith("sway") and state(p) == "T"]

        with serve(d, "", "--spare-desk=yes", "--report", str(d.dir / "report.json")) as s:
            until(resting, "a spare desk at rest")
            sway, = resting()
            for i in range(2):
                r = result(probe(s, "--frames", 3, "--mode", "1024x768@60", "--identity", d.dir / "id.pem"))
                assert r["mode"] == "1024x768@60" and r["frames_idr"] >= 1, r
                until(lambda: s.stderr().count("frames sent") == i + 1, "the end of the session")
            assert "first picture on desk 1 (spare), ms since the Hello: " in s.stderr(), s.stderr()
            assert "first picture on desk 1 (kept, encoder kept), " in s.stderr(), s.stderr()
            assert sway in d.processes()
            s.end()
            first, second = json.loads((d.dir / "report.json").read_text())["sessions"]
        assert (first["desk_origin"], first["encoder_kept"]) == ("spare", False), first
        assert (second["desk_origin"], second["encoder_kept"]) == ("kept", True), second
        for host in (first, second):
            steps = host["start_ms"]
            print(f"# {steps}")
            assert 0 <= steps["answered"] and steps["captured"] <= steps["encoded"] <= steps["sent"], steps
            assert max(steps["ping"], steps["encoder"], steps["desk"]) <= steps["sent"], steps


def in_terminal(pid):
    try:
        return os.readlink(f"/proc/{pid}/fd/0").startswith("/dev/pts/")
    except OSError:
        return False


def without_a_command_there_is_a_terminal():
    """With a shell in it, even for an account that cannot log in."""
    if not shutil.which("foot"):
        raise Skip("foot is not installed")
    with Desks() as d:
        with Server(d, "--trust-on-first-use", "--display-backend", "wlroots", "--audio=no",
                    SHELL="/usr/sbin/nologin") as s:
            p = probe(s, "--seconds", 2, "--expect-content")
            until(lambda: any(in_terminal(c) for c in d.processes()), "the shell in the terminal")
            assert "foot" in d.processes().values(), d.processes()
            assert result(p)["uniform"] is False
            s.end()
        with serve(d, "", "--audio=no") as s:
            assert result(probe(s, "--seconds", 1))["uniform"] is True
            s.end()


def two_clients_each_their_own():
    with Desks() as d:
        # Two encoders at once are too much for instrumented code at full size.
        clients = {"small": (1280, 720, 60, 440, 5000), "large": (1920, 1080, 30, 5000, 440)}
        if SLOW > 1:
            clients = {"small": (640, 360, 60, 440, 5000), "large": (800, 450, 30, 5000, 440)}
        width, height = clients["small"][:2]
        command = d.command(f"case $(pf-pattern --print-modes) in *{width}x{height}*) size=small hz=440;; "
                            "*) size=large hz=5000;; esac\n"
                            "pf-pattern --report $size.json & exec pf-tone --hz $hz --gain 0.2")
        with serve(d, command) as s:
            probes = {name: probe(s, "--seconds", 6, "--mode", f"{w}x{h}@{hz}", "--verify",
                                  "--max-not-shown", 1000, "--reject-tone", other)
                      for name, (w, h, hz, _, other) in clients.items()}
            for name, (w, h, hz, own, other) in clients.items():
                r = result(probes[name])
                print(f"# {name}: {r['audio_tone_hz']:.0f} Hz, {r['audio_packets']} packets, "
                      f"{other} Hz at {r['audio_rejected_db']:.1f} dB")
                assert near(r, own), r
                assert r["mode"] == f"{w}x{h}@{hz}" and r["strips"] > FEW, r
                seen = d.seen(name + ".json")
                assert [seen["mode_" + k] for k in ("width", "height", "mhz")] \
                    == [w, h, hz * 1000], seen
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


def start_session(d, compositor):
    """The user's own running desktop, as the host finds it: its environment."""
    env = {**d.env, "WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman",
           "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_HEADLESS_OUTPUTS": "1"}
    config = d.dir / "compositor"
    config.mkdir()
    (config / "sway.conf").write_text("xwayland disable\n")
    d.own()
    argv = {"sway": ["sway", "-c", config / "sway.conf"], "labwc": ["labwc", "-C", config]}
    as_user = {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if ROOT else {}
    with open(d.dir / "compositor.log", "w") as log:
        p = subprocess.Popen(argv[compositor], env=env, stdout=log, stderr=log,
                             stdin=subprocess.DEVNULL, **as_user)
    sockets = lambda: [s for s in (d.dir / "runtime_dir").glob("wayland-*") if s.is_socket()]
    until(lambda: sockets() or p.poll() is not None, f"the socket of {compositor}")
    assert p.poll() is None, (d.dir / "compositor.log").read_text()
    return p, sockets()[0].name


def in_a_running(compositor, mode):
    """Streams the user's own session; returns how the probe and a client inside saw it."""
    if not shutil.which(compositor):
        raise Skip(f"{compositor} is not installed")
    with Desks() as d:
        session, socket = start_session(d, compositor)
        try:
            script = d.dir / "input"
            script.write_text("".join(f"{1500 + 10 * i} move {100 + i} {100 + i}\n"
                                      for i in range(50)) + "2100 key 0x41 tap\n2200 scroll 120\n")
            with Server(d, "--trust-on-first-use", "--display-backend", "session", "--audio=no",
                        "--session-command", d.command("exec pf-pattern --report seen.json"),
                        WAYLAND_DISPLAY=socket) as s:
                r = result(probe(s, "--seconds", 3, "--mode", mode, "--expect-content", "--verify",
                                 "--max-not-shown", 1000, "--input-script", script))
                until(lambda: d.seen()["steps_y"] != 0, "the last of the input")
                seen = d.seen()
                assert seen["text"] == "a" and seen["motions"] > 40, seen
                s.end()
            left = subprocess.run([PATTERN, "--print-modes"], env={**d.env, "WAYLAND_DISPLAY": socket},
                                  check=True, text=True, capture_output=True).stdout.splitlines()
        finally:
            session.terminate()
            session.wait(timeout=PATIENCE)
        assert r["strip_not_forward"] == 0 and r["strips"] > FEW, r
        return r["mode"], [seen["mode_" + k] for k in ("width", "height", "mhz")], len(left)


def a_running_sway_lends_an_output():
    told, seen, left = in_a_running("sway", "1024x768@50")
    assert told == "1024x768@50" and seen == [1024, 768, 50000], (told, seen)
    # Up to 1.7 no output can be removed.
    version = subprocess.run(["sway", "--version"], text=True, capture_output=True).stdout.split()[-1]
    old = [int(n) for n in version.split("-")[0].split(".")[:2]] <= [1, 7]
    assert left == (2 if old else 1), (version, left)


def a_running_labwc_is_mirrored():
    # The output stays as the user has it; only the rate of the stream is the client's.
    told, seen, left = in_a_running("labwc", "1024x768@50")
    assert told == "{}x{}@50".format(*seen) and told != "1024x768@50", (told, seen)
    assert left == 1, left


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
            until(lambda: not d.runs("sway"), "the end of the desk")
            result(probe(s, "--frames", 5, "--identity", key))
            assert (d.dir / "starts").read_text().split() == ["start"] * 2
            s.end()
            assert not d.processes()


def a_stopped_host_says_so_and_reports():
    with Desks() as d:
        report = d.dir / "report.json"
        with serve(d, d.command("exec pf-pattern --report seen.json"), "--report", str(report)) as s:
            p = probe(s, "--seconds", 600)
            d.seen()
            time.sleep(0.5)
            s.end()
            assert not d.processes()
            code, err = closed(p)
            assert code == 0 and "shutting down" in err, (code, err)
        session = json.loads(report.read_text())["sessions"][0]
        assert session["frames_sent"] > 0 and session["mode"].startswith("1280x720"), session


def nothing_outlives_a_killed_host():
    with Desks() as d:
        command = d.command("setsid sleep 4711 & pf-tone --hz 440 & exec pf-pattern")
        with serve(d, command) as s:
            p = probe(s, "--seconds", 600)
            until(lambda: d.runs("sway", "pipewire", "pf-pattern", "pf-tone", "sleep 4711"),
                  "sway, sound and programs")
            s.p.send_signal(signal.SIGKILL)
            s.p.wait()
            until(lambda: not d.processes(), "the end of all children")
            closed(p)
        left = list((d.dir / "runtime_dir").iterdir())
        assert left, "a killed host cannot tidy up"
        with serve(d, "") as s:
            assert not list((d.dir / "runtime_dir").iterdir()), "the next one does"
            s.end()


def a_compositor_that_dies_is_told_and_replaced():
    with Desks() as d:
        with serve(d, d.command("exec pf-pattern --report seen.json"), "--audio=no") as s:
            p = probe(s, "--seconds", 600)
            d.seen()
            for pid in d.processes():
                if comm(pid) == "sway":
                    os.kill(pid, signal.SIGKILL)
            code, err = closed(p)
            # Whoever notices first says it: capture, or the watch over the display.
            assert code == DISPLAY_DIED and any(w in err for w in ("display ended", "went away")), err
            result(probe(s, "--frames", 5))
            s.end()


def comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def two_signals_end_it_at_once():
    with Desks() as d:
        command = d.command("trap '' TERM; pf-pattern & wait; sleep 4711")
        with serve(d, command, "--audio=no") as s:
            p = probe(s, "--seconds", 600)
            until(lambda: d.runs("pf-pattern"), "the program")
            s.p.send_signal(signal.SIGTERM)
            time.sleep(0.05)
            s.p.send_signal(signal.SIGTERM)
            # 9 when the second came before the program's grace was over.
            assert s.p.wait(timeout=PATIENCE) in (9, 0)
            until(lambda: not d.processes(), "the end of all children")
            closed(p)


host_bed.main([a_desktop_with_sound_and_input, a_spare_desk_then_the_kept_one_with_its_encoder,
               without_a_command_there_is_a_terminal,
               two_clients_each_their_own, every_mode_is_made_exactly, a_running_sway_lends_an_output,
               a_running_labwc_is_mirrored, who_comes_back_finds_the_windows,
               a_stopped_host_says_so_and_reports, nothing_outlives_a_killed_host,
               a_compositor_that_dies_is_told_and_replaced, two_signals_end_it_at_once])
