# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of `punktfunk-host doctor` share: a room, which is this machine in
namespaces of its own, where everything may be broken and mended."""
import contextlib
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import tempfile
import threading

import host_bed
from host_bed import PATIENCE, ROOT, USER, Skip, until

NO_BUS = {"DBUS_SYSTEM_BUS_ADDRESS": "unix:path=/nonexistent",
          "DBUS_SESSION_BUS_ADDRESS": "unix:path=/nonexistent"}
host_bed.HOST = os.path.abspath(host_bed.HOST)  # a room has another directory to begin in
AREAS = ["display", "devices", "sound", "encoder", "network", "system", "trust"]
DEMOTE = {"user": USER.pw_uid, "group": USER.pw_gid, "extra_groups": []} if ROOT else {}

ENTER = """set -e
mount -t tmpfs none "$1"
mkdir "$1/up" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/up,workdir=$1/work" "$1/root"
mount --rbind /proc "$1/root/proc"
mount --rbind /sys "$1/root/sys"
mount -t tmpfs none "$1/root/dev"
mount -t tmpfs none "$1/root/run"
mount --rbind "$2" "$1/root$2"
for n in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9"; do
    set -- "$1" "$2" $n
    mknod -m 666 "$1/root/dev/$3" c $4 $5
done
mkdir -m 1777 "$1/root/dev/shm"
rm -f "$1/root/.dockerenv" "$1/root/run/.containerenv"
ip link set lo up
echo ready
exec chroot "$1/root" sleep 600
"""


def argv_of(place, *args):
    return place.argv("doctor", "--json", *args)


def read(r, codes=(0, 1)):
    """{id: check} of a run, held to its own rules."""
    assert r.returncode in codes, (r.returncode, r.stdout[-400:], r.stderr)
    answer = json.loads(r.stdout)
    checks = {c["id"]: c for c in answer["checks"]}
    assert len(checks) == len(answer["checks"]), "an id twice"
    for c in checks.values():
        assert set(c) == {"id", "area", "state", "title", "cause", "remedy", "command"}, c
        assert c["id"].startswith(c["area"] + ".") and c["title"] and c["cause"], c
        assert c["state"] in ("warn", "fail", "skip") or not c["command"], c
        assert c["state"] in ("ok", "skip") or c["remedy"], c
    assert r.returncode == any(c["state"] == "fail" for c in checks.values()), r.stdout
    return checks


def here(place, *args, **env):
    """The doctor on this machine as it is."""
    return read(subprocess.run(argv_of(place, *args), env={**place.env, **env}, text=True,
                               capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL))


def expect(check, state, *words, command=None):
    assert check["state"] == state, check
    for word in words:
        assert word in check["cause"], (word, check)
    if command is not None:
        assert command in (check["command"] or ""), (command, check)
    return check


def user_run(place, command):
    """Does what the doctor says, as the user of the host."""
    r = subprocess.run(["sh", "-c", command], env=place.env, text=True, capture_output=True,
                       timeout=PATIENCE, check=False, **DEMOTE)
    assert r.returncode == 0, (command, r.stdout, r.stderr)


class Room:
    """This machine with an own network and an overlay over all of its files."""

    def __init__(self, place):
        if not ROOT:
            raise Skip("namespaces of a whole machine need root")
        self.place = place
        self.base = tempfile.mkdtemp(prefix="pf-room-", dir="/mnt" if os.access("/mnt", os.W_OK) else None)
        self.p = subprocess.Popen(
            ["unshare", "--mount", "--net", "--propagation", "private", "sh", "-c", ENTER, "sh",
             self.base, str(place.dir)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        if self.p.stdout.readline() != "ready\n":
            why = self.p.stderr.read().strip().splitlines()[-1:]
            self.close()
            raise Skip(f"namespaces of a whole machine need root and overlayfs ({why})")
        until(lambda: os.path.exists(f"/proc/{self.p.pid}/root/proc/self") and
              os.readlink(f"/proc/{self.p.pid}/root") != "/", "the room is entered")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.p.kill()
        self.p.wait()
        self.p.stdout.close()
        self.p.stderr.close()
        shutil.rmtree(self.base, ignore_errors=True)

    def argv(self, *args):
        return ["nsenter", "-t", str(self.p.pid), "-m", "-n", "-r", "-w", *args]

    def sh(self, script, check=True, **env):
        """Runs a script there as root."""
        r = subprocess.run(self.argv("sh", "-c", script), env={**self.place.env, **env}, text=True,
                           capture_output=True, timeout=PATIENCE, check=False)
        assert not check or r.returncode == 0, (script, r.stdout, r.stderr)
        return r

    def start(self, *args, **more):
        return subprocess.Popen(self.argv(*args), **more)

    def doctor(self, *args, **env):
        return read(subprocess.run(
            self.argv(*argv_of(self.place, *args)), env={**self.place.env, **env}, text=True,
            capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL))

    def as_user(self, *args, **env):
        """The same, but started by the user: root is not there to look first."""
        argv = argv_of(self.place, *args)
        i = argv.index("--user")
        return read(subprocess.run(
            self.argv("setpriv", f"--reuid={USER.pw_uid}", f"--regid={USER.pw_gid}", "--clear-groups",
                      *argv[:i], *argv[i + 2:]),
            env={**self.place.env, "HOME": str(self.place.dir), **env}, text=True, capture_output=True,
            timeout=PATIENCE, stdin=subprocess.DEVNULL))

    def mend(self, check):
        """Does what a finding says, root being there already."""
        self.sh(check["command"].replace("sudo ", ""))

    @contextlib.contextmanager
    def bus(self, helper, *names):
        """A system bus with these names on it; its address."""
        path = f"{self.place.dir}/bus-{len(names)}"
        conf = self.place.dir / "bus.conf"
        conf.write_text('<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN" '
                        '"http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd"><busconfig>'
                        f'<listen>unix:path={path}</listen><auth>EXTERNAL</auth>'
                        '<policy context="default"><allow send_destination="*"/><allow own="*"/>'
                        '<allow receive_sender="*"/><allow user="*"/></policy></busconfig>')
        with contextlib.ExitStack() as stack:
            daemon = self.start("dbus-daemon", f"--config-file={conf}", "--nofork", "--nopidfile",
                                stderr=subprocess.DEVNULL)  # it cannot raise its limits
            stack.callback(end, daemon)
            until(lambda: os.path.exists(path), "the bus")
            os.chmod(path, 0o777)
            if names:
                p = self.start(helper, f"unix:path={path}", *names, stdout=subprocess.PIPE, text=True)
                stack.callback(end, p)
                assert p.stdout.readline() == "ready\n", names
            try:
                yield f"unix:path={path}"
            finally:
                with contextlib.suppress(OSError):
                    os.unlink(path)


def end(p):
    p.kill()
    p.wait()
    if p.stdout:
        p.stdout.close()


@contextlib.contextmanager
def sway(place):
    """A headless sway of the user, as a session that runs already; its socket's name."""
    if not shutil.which("sway"):
        raise Skip("sway is not installed")
    conf = place.dir / "sway.conf"
    conf.write_text("xwayland disable\n")
    place.own()
    env = {**place.env, "WLR_BACKENDS": "headless", "WLR_LIBINPUT_NO_DEVICES": "1",
           "WLR_RENDERER": "pixman", "WLR_HEADLESS_OUTPUTS": "1"}
    env.pop("WAYLAND_DISPLAY", None)
    run = pathlib.Path(env["XDG_RUNTIME_DIR"])
    p = subprocess.Popen(["sway", "-c", str(conf)], env=env, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL, **DEMOTE)
    try:
        until(lambda: [s for s in run.glob("wayland-*") if s.suffix != ".lock"] or p.poll() is not None,
              "the session")
        assert p.poll() is None, "sway does not start"
        yield next(s.name for s in run.glob("wayland-*") if s.suffix != ".lock")
    finally:
        p.terminate()
        p.wait()


class Compositor:
    """A compositor of another family, as far as a client hears of its globals."""

    def __init__(self, place, globals_, silent=False):
        self.path = pathlib.Path(place.env["XDG_RUNTIME_DIR"]) / "wayland-7"
        self.globals, self.silent, self.peer = globals_, silent, None
        self.s = socket.socket(socket.AF_UNIX)
        self.s.bind(str(self.path))
        os.chmod(self.path, 0o777)
        self.s.listen(8)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        with contextlib.suppress(OSError):
            while True:
                c, _ = self.s.accept()
                self.peer, = struct.unpack("=i", c.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 4))
                threading.Thread(target=self.serve, args=(c,), daemon=True).start()

    def serve(self, c):
        data = b""
        with contextlib.suppress(OSError), c:
            while True:
                more = c.recv(4096)
                if not more:
                    return
                if self.silent:
                    continue
                data += more
                while len(data) >= 8:
                    target, head = struct.unpack("=II", data[:8])
                    size, opcode = head >> 16, head & 0xffff
                    if len(data) < size:
                        break
                    new, = struct.unpack("=I", data[8:12]) if size >= 12 else (0,)
                    data = data[size:]
                    if target == 1 and opcode == 1:
                        for i, (name, version) in enumerate(self.globals, 1):
                            raw = name.encode() + b"\0"
                            raw += b"\0" * (-len(raw) % 4)
                            body = struct.pack("=II", i, len(name) + 1) + raw + struct.pack("=I", version)
                            c.send(struct.pack("=II", new, (8 + len(body)) << 16) + body)
                    elif target == 1 and opcode == 0:
                        c.send(struct.pack("=III", new, 12 << 16, 0))
                        c.send(struct.pack("=III", 1, 12 << 16 | 1, new))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.s.close()
        self.path.unlink()


def script(place, name, text):
    """A directory with this program, to stand first in PATH."""
    folder = place.dir / "bin"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\n" + text)
    (folder / name).chmod(0o755)
    return str(folder) + ":" + os.environ["PATH"]
