# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of punktfunk-host share: private places, a serving host, TAP."""
import contextlib
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import traceback

HOST = sys.argv[1]
ROOT = os.geteuid() == 0
PATIENCE = 60


def run_user():
    """Whom the host becomes when this test runs as root."""
    for name in ("punktfunk", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise RuntimeError("no ordinary user")


USER = run_user() if ROOT else pwd.getpwuid(os.geteuid())


class Place:
    """Private directories, and the environment that points to them."""

    def __init__(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pf-cli-"))
        self.env = dict(os.environ)
        for name in ("SUDO_UID", "WAYLAND_DISPLAY", "DISPLAY"):
            self.env.pop(name, None)
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
            path = self.dir / name.lower()
            path.mkdir(mode=0o700)
            self.env["XDG_" + name] = str(path)
        self.config = self.dir / "config_home" / "punktfunk"
        self.config.mkdir()
        self.own()

    def own(self):
        if ROOT:
            for path in [self.dir, *self.dir.rglob("*")]:
                os.chown(path, USER.pw_uid, USER.pw_gid)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.dir, ignore_errors=True)

    def argv(self, *args):
        command = args[0]
        user = ["--user", USER.pw_name] if ROOT and "--user" not in args else []
        # Only commands that read settings take it.
        if command not in ("serve", "check", "config", "displays", "fingerprint", "apps",
                           "clients", "pair", "status", "unpair", "arm", "disarm", "pending",
                           "approve", "console", "deny", "doctor", "events", "logs", "stats", "keyframe", "sessions", "settings",
                           "stop"):
            user = []
        return [HOST, command, *user, *args[1:]]

    def run(self, *args, **env):
        return subprocess.run(self.argv(*args), env={**self.env, **env}, text=True,
                              capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)


class Server:
    """A serving host; leaves nothing behind."""

    def __init__(self, place, *args, pass_fds=(), **env):
        self.err = open(place.dir / "stderr", "w+")
        self.p = subprocess.Popen(
            # A spare desk comes when it likes: for those who ask for it.
            place.argv("serve", "--port", "0", "--mgmt-port", "0", "--bind-address",
                       "127.0.0.1", "--spare-desk=no", *args),
            env={**place.env, **env}, text=True, stdout=subprocess.PIPE, stderr=self.err,
            stdin=subprocess.DEVNULL, pass_fds=pass_fds)
        self.line = self.p.stdout.readline()

    def words(self):
        return dict(w.split("=", 1) for w in self.line.split()[1:])

    def stderr(self):
        self.err.flush()
        self.err.seek(0)
        return self.err.read()

    def __enter__(self):
        return self

    def __exit__(self, failure, *_):
        alive = self.p.poll() is None
        if alive:
            self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        if failure and failure is not Skip:
            told = self.stderr().splitlines()[-40:]
            print("\n".join([f"the host, {'alive' if alive else f'ended with {self.p.returncode}'}, said:",
                             *told]), file=sys.stderr, flush=True)
        self.err.close()

    def end(self, sig=signal.SIGTERM):
        """Ends it in order; a sanitizer's findings count, too."""
        self.p.send_signal(sig)
        code = self.p.wait(timeout=PATIENCE)
        assert code == 0, f"the host ended with {code}:\n{self.stderr()}"


def until(condition, what):
    """Waits for it. `what` may be a function that says what is in the way."""
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"waited in vain: {what() if callable(what) else what}"
        time.sleep(0.02)


class Skip(Exception):
    """Says what is missing."""


@contextlib.contextmanager
def relay(impair, server, data_port, *rules):
    """127.0.0.2 is the server behind a bad link."""
    port = server.words()["port"]
    p = subprocess.Popen(
        [impair, "--map", f"127.0.0.2:{port}=127.0.0.1:{port}",
         "--map", f"127.0.0.2:{data_port}=127.0.0.1:{data_port}", "--seed", "5", *rules],
        stdout=subprocess.PIPE, text=True)
    time.sleep(0.3)
    try:
        yield "127.0.0.2"
    finally:
        p.terminate()
        p.wait()
        p.stdout.close()


def main(tests):
    print(f"1..{len(tests)}")
    failed = 0
    for i, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {i} - {test.__name__}", flush=True)
        except Skip as missing:
            print(f"ok {i} - {test.__name__} # SKIP {missing}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {i} - {test.__name__}", flush=True)
            # Where meson shows it: of a TAP test's standard output it keeps the verdicts only.
            print(f"{test.__name__}:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
    sys.exit(1 if failed else 0)
