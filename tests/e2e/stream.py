#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Host and probe as two programs, over loopback, with a real desk.

usage: stream.py PUNKTFUNK-HOST PUNKTFUNK-PROBE PF-PATTERN PF-TONE. Prints TAP."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback

HOST, PROBE, PATTERN, TONE = sys.argv[1:5]
ROOT = os.geteuid() == 0
SLOW = 4 if os.environ.get("PF_SANITIZE") else 1
SESSION = """#!/bin/sh
cd '{dir}'
case "$(swaymsg -t get_outputs)" in
*1920*) size=large hz=1000 ;;
*) size=small hz=440 ;;
esac
./pf-tone --hz $hz --gain 0.2 --seconds 600 &
./pf-pattern --mode animate --report $size.json &
setsid sleep 4711 &
wait
"""


def run_user():
    for name in ("punktfunk", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise RuntimeError("no ordinary user")


USER = run_user() if ROOT else pwd.getpwuid(os.geteuid())


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def until(condition, what, seconds=30):
    end = time.monotonic() + seconds * SLOW
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.02)
    raise AssertionError(f"waited in vain for {what}")


def marked(mark):
    """Processes whose environment carries this test's mark."""
    found = []
    for p in pathlib.Path("/proc").iterdir():
        if not p.name.isdigit():
            continue
        try:
            if mark.encode() in (p / "environ").read_bytes():
                found.append((int(p.name), (p / "cmdline").read_bytes().replace(b"\0", b" ").decode()))
        except OSError:
            pass
    return found


class Server:
    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pf-e2e-"))
        self.dir.chmod(0o755)
        self.desk = self.dir / "desk"
        self.desk.mkdir()
        for tool in (PATTERN, TONE):
            shutil.copy(tool, self.desk)
        (self.desk / "session").write_text(SESSION.format(dir=self.desk))
        (self.desk / "session").chmod(0o755)
        self.mark = f"PF_E2E_MARK={self.dir.name}"
        env = dict(os.environ, PF_E2E_MARK=self.dir.name)
        for name in ("SUDO_UID", "WAYLAND_DISPLAY", "DISPLAY"):
            env.pop(name, None)
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
            path = self.dir / name.lower()
            path.mkdir(mode=0o700)
            env["XDG_" + name] = str(path)
        if ROOT:
            for path in [self.dir, *self.dir.rglob("*")]:
                os.chown(path, USER.pw_uid, USER.pw_gid)
        self.port = free_port()
        self.report = self.dir / "state_home" / "report.json"
        r, w = os.pipe()
        argv = [HOST, "serve", "--bind-address", "127.0.0.1", "--port", str(self.port), "--trust-on-first-use",
                "--session-command", str(self.desk / "session"), "--report", str(self.report),
                "--ready-fd", str(w)]
        if ROOT:
            argv += ["--user", USER.pw_name]
        self.log = open(self.dir / "host.log", "w+")
        self.p = subprocess.Popen(argv, env=env, pass_fds=[w], stdout=self.log, stderr=self.log)
        os.close(w)
        self.ready = os.fdopen(r).readline()
        assert self.ready, self.words()

    def words(self):
        return (self.dir / "host.log").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.kill()
        self.p.wait()
        until(lambda: not marked(self.mark), "the desks' programs to end")
        shutil.rmtree(self.dir, ignore_errors=True)

    def connect(self, *args, identity=None):
        argv = [PROBE, "connect", f"127.0.0.1:{self.port}", "--trust-first", "--json", *args]
        return subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(p, what, code=0):
    out, err = p.communicate(timeout=60 * SLOW)
    assert p.returncode == code, f"{what}: exit {p.returncode}, {err}"
    return json.loads(out)


def two_clients_see_and_hear_their_own():
    with Server() as s:
        small = s.connect("--mode", "1280x720@60", "--seconds", "6", "--verify", "--expect-tone", "440",
                          "--reject-tone", "1000")
        large = s.connect("--mode", "1920x1080@30", "--seconds", "6", "--verify", "--expect-tone", "1000",
                          "--reject-tone", "440")
        a, b = finish(small, "720p"), finish(large, "1080p")
        assert a["mode"] == "1280x720@60" and b["mode"] == "1920x1080@30", (a["mode"], b["mode"])
        for name, w, h, mhz in (("small", 1280, 720, 60000), ("large", 1920, 1080, 30000)):
            seen = json.loads((s.desk / f"{name}.json").read_text())
            assert (seen["mode_width"], seen["mode_height"], seen["mode_mhz"]) == (w, h, mhz), seen
        assert a["strips"] > 50 and b["strips"] > 50, (a["strips"], b["strips"])


def a_killed_host_leaves_nothing():
    with Server() as s:
        probe = s.connect("--mode", "1280x720@60", "--seconds", "60")
        until(lambda: (s.desk / "small.json").exists(), "the desk")
        names = " ".join(cmd for _, cmd in marked(s.mark))
        for program in ("sway", "pipewire", "pf-pattern", "pf-tone", "sleep 4711"):
            assert program in names, f"{program} does not run: {names}"
        s.p.send_signal(signal.SIGKILL)
        s.p.wait()
        until(lambda: not marked(s.mark), "the end of all children")
        probe.communicate(timeout=60 * SLOW)
        assert probe.returncode not in (0, None), "the probe did not notice"


def a_stopped_host_says_so_and_reports():
    with Server() as s:
        probe = s.connect("--mode", "1280x720@60", "--seconds", "60")
        until(lambda: (s.desk / "small.json").exists(), "the desk")
        time.sleep(0.5)
        s.p.send_signal(signal.SIGTERM)
        assert s.p.wait(30 * SLOW) == 0, s.words()
        assert not marked(s.mark), marked(s.mark)
        probe.communicate(timeout=60 * SLOW)
        session = json.loads(s.report.read_text())["sessions"][0]
        assert session["frames_sent"] > 0 and session["mode"].startswith("1280x720"), session


def an_odd_mode_is_rounded():
    with Server() as s:
        got = finish(s.connect("--mode", "1281x721@60", "--frames", "5"), "odd mode")
        assert got["mode"] == "1280x720@60", got["mode"]


def what_cannot_be_has_words():
    # Nobody listens there.
    p = subprocess.run([PROBE, "connect", f"127.0.0.1:{free_port()}", "--trust-first", "--timeout", "2"],
                       capture_output=True, text=True, timeout=60)
    assert p.returncode == 2 and "127.0.0.1" in p.stderr, (p.returncode, p.stderr)
    with Server() as s:
        p = subprocess.run([PROBE, "connect", f"127.0.0.1:{s.port}", "--pin-fingerprint", "00" * 32],
                           capture_output=True, text=True, timeout=60 * SLOW)
        assert p.returncode == 3 and "certificate" in p.stderr and "pair" in p.stderr, (p.returncode, p.stderr)
    p = subprocess.run([PROBE, "connect", "127.0.0.1", "--no-such-option"], capture_output=True, text=True)
    assert p.returncode == 1 and "--no-such-option" in p.stderr, (p.returncode, p.stderr)


TESTS = [two_clients_see_and_hear_their_own, a_killed_host_leaves_nothing, a_stopped_host_says_so_and_reports,
         an_odd_mode_is_rounded, what_cannot_be_has_words]

print(f"1..{len(TESTS)}")
failed = 0
for i, test in enumerate(TESTS, 1):
    try:
        test()
        print(f"ok {i} - {test.__name__}", flush=True)
    except Exception:
        failed += 1
        print(f"not ok {i} - {test.__name__}", flush=True)
        for line in traceback.format_exc().splitlines():
            print("# " + line, flush=True)
sys.exit(1 if failed else 0)
