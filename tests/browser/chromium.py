# SPDX-License-Identifier: MIT OR Apache-2.0
"""Chromium for the tests of the console: fetches the two packages of package-lock.json if
they are not there and speaks to driver.mjs."""
import fcntl
import hashlib
import json
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
SIZES = (360, 768, 1280)
PATIENCE = 60


def skip(what):
    print(f"1..0 # SKIP {what}")
    sys.exit(0)


def packages():
    """Fetches playwright-core and axe-core, once for each lock file."""
    lock = HERE / "package-lock.json"
    stamp = HERE / "node_modules" / ".punktfunk"
    want = hashlib.sha256(lock.read_bytes()).hexdigest()
    with open(HERE / ".lock", "w") as guard:
        fcntl.flock(guard, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == want:
            return
        r = subprocess.run(["npm", "ci", "--no-progress"], cwd=HERE, text=True, capture_output=True,
                           stdin=subprocess.DEVNULL, timeout=120)
        assert r.returncode == 0, \
            f"npm cannot fetch the packages of tests/browser (is the network there?): {r.stderr[-1000:]}"
        stamp.write_text(want)


for program, package in (("node", "nodejs"), ("npm", "npm"), ("chromium", "chromium"), ("sway", "sway")):
    if not shutil.which(program):
        skip(f"{package} is not installed")
if sys.argv[4] == "none":
    skip("this build has no console: it needs npm")


class Browser:
    """One window. do() asks driver.mjs; what goes wrong there raises."""

    def __init__(self, out):
        packages()
        self.out = pathlib.Path(out)
        self.out.mkdir(parents=True, exist_ok=True)
        (self.out / "failed.png").unlink(missing_ok=True)
        self.p = subprocess.Popen(["node", str(HERE / "driver.mjs"), shutil.which("chromium")], text=True,
                                  stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.known = []
        self.usable = True

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        self.close()

    def close(self):
        if self.p.poll() is None:
            self.do("quit")
            self.p.wait(timeout=PATIENCE)
        self.p.stdin.close()
        self.p.stdout.close()

    def do(self, command, **arguments):
        self.p.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self.p.stdin.flush()
        line = self.p.stdout.readline()
        assert line, f"the driver ended in {command} {arguments}"
        answer = json.loads(line)
        if "error" in answer:
            shot = self.out / "failed.png"
            self.p.stdin.write(json.dumps({"command": "shot", "path": str(shot)}) + "\n")
            self.p.stdin.flush()
            self.p.stdout.readline()
            raise AssertionError(f"{command} {arguments}: {answer['error']} (see {shot})")
        return answer["value"]

    def wait(self, **what):
        self.do("wait", what=what)

    def texts(self, **what):
        return self.do("texts", what=what)

    def cookie(self):
        return next((c for c in self.do("cookies") if c["name"] == "__Host-punktfunk"), None)

    def tab_to(self, name, tag):
        """Goes there with the key Tab, as a person without a pointer does."""
        for _ in range(80):
            at = self.do("focus")
            if at["tag"] == tag and at["name"].startswith(name):
                return
            self.do("press", key="Tab")
        raise AssertionError(f"the key Tab does not come to {tag} {name!r}, but to {at}")

    def problems(self):
        self.known += self.do("problems")
        return self.known

    def expect_problems(self, *patterns):
        """What is wrong on purpose is no problem; each must have happened."""
        have = self.problems()
        for pattern in patterns:
            assert any(re.search(pattern, p) for p in have), f"{pattern}: {have}"
        self.known = [p for p in have if not any(re.search(x, p) for x in patterns)]

    def looks_right(self, name, fail=True):
        """Pictures in each width and both themes; nothing too wide, nothing that axe finds."""
        found = []
        for theme in ("light", "dark"):
            self.do("theme", theme=theme)
            for width in SIZES:
                self.do("size", width=width, height=800)
                self.do("shot", path=str(self.out / f"{name}-{width}-{theme}.png"))
                wide = self.do("overflow")
                found += [f"{name}, {width} px: {wide}"] if wide else []
                if width != 768:
                    found += [f"{name}, {width} px, {theme}: {v}" for v in self.do("axe")]
        self.do("theme", theme="light")
        self.do("size", width=1280, height=800)
        assert not (fail and found), "\n".join(found)
        return found
