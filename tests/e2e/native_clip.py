#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The clipboard of punktfunk/1: a real sway with wl-clipboard in it on one side,
punktfunk-probe on the other.

usage: native_clip.py PUNKTFUNK-HOST PUNKTFUNK-PROBE. Prints TAP."""
import json
import os
import re
import shutil
import subprocess
import sys

import host_bed
from host_bed import PATIENCE, Place, Server, Skip

PROBE = sys.argv[2]
TEXT = "text/plain;charset=utf-8"
WORDS = "grüße, 世界 🙂\nzweite Zeile\n"
CAP = 2


class Desk:
    """A host whose desks run a script of ours."""

    def __init__(self, policy, script, *args):
        for tool in ("sway", "wl-copy", "wl-paste"):
            if not shutil.which(tool):
                raise Skip(f"{tool} is not installed")
        self.place = Place()
        self.files = self.place.dir / "files"
        self.files.mkdir()
        self.policy = policy
        self.script = script
        self.args = args

    def file(self, name, data):
        path = self.files / name
        path.write_bytes(data)
        return path

    def __enter__(self):
        run = self.file("run.sh", f"cd {self.files}\n{self.script}\nexec sleep 1000\n".encode())
        self.place.own()
        self.server = Server(
            self.place, "--display-backend", "wlroots", "--audio=no", "--session-command",
            f"exec sh {run}", *self.policy, *(self.args or ["--trust-on-first-use"]))
        assert self.server.line.startswith("ready "), self.server.stderr()
        return self

    def __exit__(self, failed, *_):
        try:
            if not failed:
                self.server.end()
        finally:
            self.server.__exit__(failed)
            self.place.__exit__()

    def probe(self, lines, seconds, known=("--trust-first",)):
        path = self.place.dir / "script"
        path.write_text("".join(line + "\n" for line in lines))
        r = subprocess.run(
            [PROBE, "connect", f"127.0.0.1:{self.server.words()['port']}", *known,
             "--json", "--mode", "320x240@30", "--timeout", "30", "--seconds", str(seconds),
             "--input-script", str(path)],
            text=True, capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
            env={**os.environ, "XDG_DATA_HOME": str(self.place.dir)})
        assert r.returncode == 0, f"{r.returncode}: {r.stderr}{r.stdout}{self.server.stderr()}"
        return json.loads(r.stdout)


ON = ["--clipboard", "on"]


def the_hosts_text_comes():
    with Desk(ON, "wl-copy < text") as d:
        d.file("text", WORDS.encode())
        out = d.place.dir / "out"
        r = d.probe(["0 clip on", f"0 clip fetch {TEXT} {out} 20000"], 3)
        assert r["host_caps"] & CAP
        clip = r["clip"]
        assert (clip["enabled"], clip["policy"], clip["reason"]) == (1, 1, 0), clip
        assert clip["offered"] == [TEXT], clip
        assert clip["fetches"] == [{"error": 0, "bytes": len(WORDS.encode())}], clip
        assert out.read_bytes() == WORDS.encode()


def picture():
    return b"\x89PNG\r\n\x1a\n" + os.urandom(2 << 20)


def the_hosts_picture_comes_and_a_fetch_can_be_given_up():
    data = picture()
    with Desk(ON, "wl-copy -t image/png < picture") as d:
        d.file("picture", data)
        out = d.place.dir / "out"
        # 2 MB take half a second: the first is cancelled on its way.
        r = d.probe(["0 clip on", f"0 clip fetch image/png {out} 20000",
                     f"1 clip fetch image/png {out}.not 60", f"2 clip fetch image/png {out}"], 4)
        clip = r["clip"]
        assert clip["offered"] == ["image/png"], clip
        assert [f["error"] for f in clip["fetches"]] == [0, -110, 0], clip
        assert out.read_bytes() == data


def the_clients_clipboard_is_pasted():
    data = picture()
    paste = """
until wl-paste -l > types 2> /dev/null && grep -q image/png types; do sleep 0.1; done
wl-paste -n -t text/plain > text.new; mv text.new text
wl-paste -n -t UTF8_STRING > utf8.new; mv utf8.new utf8
wl-paste -n -t image/png > png.new; mv png.new png
"""
    with Desk(ON, paste) as d:
        text = d.place.dir / "in"
        text.write_bytes(WORDS.encode())
        png = d.place.dir / "in.png"
        png.write_bytes(data)
        r = d.probe(["0 clip on", f"0 clip offer {TEXT} {text} image/png {png}"], 7)
        clip = r["clip"]
        assert (d.files / "text").read_bytes() == WORDS.encode()
        assert (d.files / "utf8").read_bytes() == WORDS.encode()
        assert (d.files / "png").read_bytes() == data
        assert clip["served"] == 3 and not clip["refused"], clip
        # Our own offer does not come back as the host's.
        assert clip["offers"] == 0, clip


def the_newest_copy_counts():
    # What the desk had before gives way to the client's, and that to the desk's next.
    paste = """
wl-copy < first
until wl-paste -n 2> /dev/null | grep -q client; do sleep 0.1; done
wl-copy < second
"""
    with Desk(ON, paste) as d:
        d.file("first", b"first")
        d.file("second", b"second")
        text = d.place.dir / "in"
        text.write_bytes(b"client")
        out = d.place.dir / "out"
        clip = d.probe(["0 clip on", f"0 clip fetch {TEXT} {out}.1 20000",
                        f"1 clip offer {TEXT} {text}", "2000 clip on",
                        f"3000 clip fetch {TEXT} {out}.2"], 5)["clip"]
        assert clip["served"] >= 1, clip
        assert [(d.place.dir / f"out.{i}").read_bytes() for i in (1, 2)] == [
            b"first", b"second"], clip


def text_only_means_text_only():
    with Desk(["--clipboard", "text"], "wl-copy -t image/png < picture; sleep 2; wl-copy < text"
              ) as d:
        d.file("picture", picture())
        d.file("text", b"plain")
        out = d.place.dir / "out"
        clip = d.probe(["0 clip on", f"0 clip fetch {TEXT} {out} 20000"], 4)["clip"]
        assert clip["offered"] == [TEXT] and clip["offers"] == 1, clip
        assert out.read_bytes() == b"plain"


def off_is_the_default():
    with Desk([], "wl-copy < text") as d:
        d.file("text", b"secret")
        r = d.probe(["0 clip on"], 3)
        assert not r["host_caps"] & CAP
        clip = r["clip"]
        assert (clip["enabled"], clip["policy"], clip["reason"]) == (0, 0, 3), clip
        assert clip["offers"] == 0, clip


def without_the_grant_nothing_is_shared():
    with Desk(ON, "wl-copy < text", "--trust-on-first-use=no") as d:
        d.file("text", b"secret")
        r = d.place.run("arm", "--grants", "pointer,keyboard")
        pin = re.search(r"^PIN (\d{4})$", r.stdout, re.M).group(1)
        r = subprocess.run(
            [PROBE, "pair", "127.0.0.1:" + d.server.words()["port"], "--pin", pin], text=True,
            capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL,
            env={**os.environ, "XDG_DATA_HOME": str(d.place.dir)})
        assert r.returncode == 0, r
        r = d.probe(["0 clip on"], 3, ())
        assert not r["host_caps"] & CAP
        assert (r["clip"]["enabled"], r["clip"]["reason"]) == (0, 5), r["clip"]
        assert r["clip"]["offers"] == 0, r["clip"]


def no_compositor_is_told():
    with Desk(ON, "true", "--display-backend", "pattern", "--trust-on-first-use") as d:
        r = d.probe(["0 clip on"], 2)
        assert not r["host_caps"] & CAP
        assert r["clip"]["reason"] == 1, r["clip"]


host_bed.main([
    the_hosts_text_comes,
    the_hosts_picture_comes_and_a_fetch_can_be_given_up,
    the_clients_clipboard_is_pasted,
    the_newest_copy_counts,
    text_only_means_text_only,
    off_is_the_default,
    without_the_grant_nothing_is_shared,
    no_compositor_is_told,
])
