# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the suites of the guest that run a whole host share: the nodes that the kernel made,
what programs do with them, and the user's own sway. host_bed is to be found."""
import contextlib
import errno
import fcntl
import glob
import grp
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import time
import zlib

import host_bed
from host_bed import Skip, until

EV_KEY, EV_ABS, EV_FF, FF_RUMBLE = 1, 3, 0x15, 0x50
EVENT = struct.Struct("@llHHi")
EFFECT = bytes((0x21, 0xFC, 3, 1, 2, 3, 4, 5, 6, 7, 8))


def ask(fd, number, size):
    buf = bytearray(size)
    n = fcntl.ioctl(fd, 2 << 30 | size << 16 | ord("E") << 8 | number, buf)
    return bytes(buf[:n or size])


class Node:
    """An event node that is there."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)
        self.name = ask(self.fd, 0x06, 128).rstrip(b"\0").decode()
        try:
            self.phys = ask(self.fd, 0x07, 128).rstrip(b"\0").decode()
        except OSError:
            self.phys = ""  # hid-playstation tells it of the HID device alone
            uevent = pathlib.Path("/sys/class/input", os.path.basename(path), "device/device/uevent")
            for line in uevent.read_text().splitlines() if uevent.exists() else ():
                if line.startswith("HID_PHYS="):
                    self.phys = line[9:]
        self.id = struct.unpack("HHHH", ask(self.fd, 0x02, 8))[1:3]
        self.seen = []

    def read(self):
        try:
            while True:
                data = os.read(self.fd, EVENT.size * 64)
                for at in range(0, len(data), EVENT.size):
                    _, _, kind, code, value = EVENT.unpack_from(data, at)
                    self.seen.append((kind, code, value))
        except BlockingIOError:
            return self.seen

    def wait(self, *event):
        until(lambda: event in self.read(), f"{event} of {self.name}")
        self.seen = []

    def alive(self):
        try:
            ask(self.fd, 0x06, 128)
            return True
        except OSError as e:
            assert e.errno == errno.ENODEV
            return False

    def rumble(self, strong, weak):
        effect = struct.pack("@HhHHHHHxxHH28x", FF_RUMBLE, -1, 0, 0, 0, 20000, 0, strong, weak)
        buf = bytearray(effect)
        fcntl.ioctl(self.fd, 1 << 30 | len(buf) << 16 | ord("E") << 8 | 0x80, buf)
        self.effect = struct.unpack_from("@h", buf, 2)[0]
        self.play(1)

    def play(self, times):
        os.write(self.fd, EVENT.pack(0, 0, EV_FF, self.effect, times))


def nodes():
    """Ours: other machines' may be there."""
    found = []
    for path in sorted(glob.glob("/dev/input/event*"), key=lambda p: int(p[16:])):
        try:
            node = Node(path)
        except OSError:
            continue
        if node.phys.startswith("punktfunk"):
            found.append(node)
        else:
            os.close(node.fd)
    return found


def pads(count):
    """Waits for so many nodes; (number, part): Sony's pads have three."""
    found = {}

    def there():
        for n in found.values():
            os.close(n.fd)
        found.clear()
        for n in nodes():
            last = n.phys.rsplit("/", 1)[-1]  # those of uinput count from 1
            number = int(last[3:]) - 1 if last.startswith("pad") else int(last)
            part = "motion" if "Motion" in n.name else "touch" if "Touchpad" in n.name else "pad"
            found[number, part] = n
        return len(found) == count
    end = time.monotonic() + 25
    while not there():
        assert time.monotonic() < end, {k: (n.name, n.phys) for k, n in found.items()}
        time.sleep(0.1)
    return found


def light(pad):
    """Sets the light of the DualSense that this pad is, as a program would."""
    device = os.path.realpath(f"/sys/class/input/{os.path.basename(pad.path)}/device/device")
    rgb = glob.glob(f"{device}/leds/*:rgb:indicator")
    assert len(rgb) == 1, (device, rgb)
    pathlib.Path(rgb[0], "multi_intensity").write_text("10 200 30")
    pathlib.Path(rgb[0], "brightness").write_text("255")


def stiffen(pad):
    """An effect for the left trigger, as games write it to the raw node."""
    device = os.path.realpath(f"/sys/class/input/{os.path.basename(pad.path)}/device/device")
    report = bytearray(78)
    report[:3] = 0x31, 0, 0x10
    report[3] = 0x08  # the left trigger alone
    report[3 + 21:3 + 32] = EFFECT
    report[74:] = struct.pack("<I", zlib.crc32(b"\xa2" + report[:74]))
    node = os.path.basename(glob.glob(f"{device}/hidraw/hidraw*")[0])
    pathlib.Path("/dev", node).write_bytes(report)


@contextlib.contextmanager
def own_sway(p):
    """The user's own sway, with a screen of its own; gives the name of its socket."""
    if not shutil.which("sway"):
        raise Skip("sway is missing")
    config = p.dir / "sway.conf"
    config.write_text("xwayland disable\n")
    p.own()
    env = {**p.env, "WLR_BACKENDS": "headless,libinput", "WLR_RENDERER": "pixman",
           "WLR_LIBINPUT_NO_DEVICES": "1", "WLR_HEADLESS_OUTPUTS": "1",
           "LIBSEAT_BACKEND": "builtin", "SEATD_VTBOUND": "0"}
    with open(p.dir / "sway.log", "w") as log:
        sway = subprocess.Popen(
            ["sway", "-c", config], env=env, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            user=host_bed.USER.pw_uid, group=host_bed.USER.pw_gid,
            extra_groups=[grp.getgrnam("input").gr_gid])
    try:
        def sockets():
            assert sway.poll() is None, (p.dir / "sway.log").read_text()
            return [s.name for s in (p.dir / "runtime_dir").glob("wayland-*") if s.is_socket()]
        until(sockets, "sway")
        until(lambda: inputs(p), "an answer of sway")
        yield sockets()[0]
    finally:
        sway.terminate()
        try:
            sway.wait(timeout=host_bed.PATIENCE)
        except subprocess.TimeoutExpired:
            sway.kill()
            sway.wait()
            raise


def inputs(p):
    """What sway reads; empty while it is too busy to say."""
    sock = next((p.dir / "runtime_dir").glob("sway-ipc.*.sock"), "none")
    return subprocess.run(["swaymsg", "-s", sock, "-t", "get_inputs", "-r"], capture_output=True,
                          text=True).stdout


def prepare():
    """The guest is bare: no network, and nobody told the host's user to use devices."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        fcntl.ioctl(s, 0x8914, struct.pack("16sH14x", b"lo", 0x41))  # SIOCSIFFLAGS: up
    # Not by usermod: the passwords of the machine are not readable for who runs this.
    groups = pathlib.Path("/etc/group")
    lines = groups.read_text().splitlines()
    for i, line in enumerate(lines):
        if line.startswith("input:") and host_bed.USER.pw_name not in line.split(":")[3].split(","):
            lines[i] += ("" if line.endswith(":") else ",") + host_bed.USER.pw_name
    groups.write_text("\n".join(lines) + "\n")
    os.environ["XDG_RUNTIME_DIR"] = "/run"
    # All files come through 9p: the first start of sway took 45 s on a busy machine.
    host_bed.PATIENCE = 180
    for _ in range(100):
        if os.access("/dev/uinput", os.W_OK):
            break
        time.sleep(0.1)
