#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""A Moonlight client's gamepads from its packets to the nodes that programs read, and what
these say back: a whole host with a synthetic picture, in a Debian kernel."""
import errno
import fcntl
import glob
import grp
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import time
import zlib

ROOT, BUILD = (pathlib.Path(os.environ[name]) for name in ("PF_SOURCE_ROOT", "PF_BUILD_ROOT"))
sys.argv[1:] = [str(BUILD / "host/punktfunk-host")]
sys.path.insert(0, str(ROOT / "tests/e2e"))

import gs_bed  # noqa: E402
import host_bed  # noqa: E402
from gs import client, control  # noqa: E402
from host_bed import Skip, until  # noqa: E402

RUMBLE, TRIGGER_RUMBLE, TOUCHPAD, ACCEL, GYRO, BATTERY, LED = 2, 4, 8, 0x10, 0x20, 0x40, 0x80
RICH = RUMBLE | TOUCHPAD | ACCEL | GYRO | BATTERY | LED
UNKNOWN, XBOX, PLAYSTATION = 0, 1, 2
PADS = [(XBOX, RUMBLE | TRIGGER_RUMBLE), (UNKNOWN, RUMBLE), (PLAYSTATION, RICH), (XBOX, RUMBLE | GYRO)]
PRODUCTS = [(0x045E, None), (0x045E, None), (0x054C, 0x0CE6), (0x054C, 0x0CE6)]
A, SOUTH = 0x1000, 0x130
EV_KEY, EV_ABS, EV_FF, FF_RUMBLE = 1, 3, 0x15, 0x50
EVENT = struct.Struct("@llHHi")
EFFECT = bytes((0x21, 0xFC, 3, 1, 2, 3, 4, 5, 6, 7, 8))
TRIGGERS = 2, 8, EFFECT[0], 0, EFFECT[1:], bytes(10)  # of pad 2, the left side
SIZE = {"width": 320, "height": 240, "fps": 10, "kbps": 500}


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


def messages(s, kind):
    return [payload for k, payload in s.messages if k == kind]


def heard(s, kind, *values, form="<HHH"):
    """Waits for this message."""
    want = struct.pack(form, *values)
    until(lambda: want in [p[-len(want):] for p in messages(s, kind)],
          f"{kind:#x} {values}; {s.messages}")


def arrive(s):
    for i, (kind, capabilities) in enumerate(PADS):
        s.input(control.pad_arrival(i, kind, capabilities), control.PAD + i)
        s.input(control.pad(i, (2 << i) - 1), control.PAD + i)


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


def four_pads_there_and_back():
    with gs_bed.host("--audio=no", "--desk-keep-alive-s", "300") as h:
        w = h.clients[0]
        with client.Session(w, **SIZE) as s:
            s.start().frames(1)
            assert "featureFlags:2\r\n" in s.description, s.description
            arrive(s)
            found = pads(2 + 2 * 3)
            print("# " + "; ".join(f"{i} {part}: {n.name}" for (i, part), n in found.items()))
            for i, (vendor, product) in enumerate(PRODUCTS):
                have = found[i, "pad"].id
                assert have[0] == vendor and product in (None, have[1]), (i, have)
            assert found[0, "pad"].id != found[1, "pad"].id
            for i in range(4):
                s.input(control.pad(i, 15, A, 0, 0, (0, 20000, 0, 0)), control.PAD + i)
            for i in range(4):
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)

            found[0, "pad"].rumble(40000, 20000)
            heard(s, control.RUMBLE, 0, 40000, 20000)
            found[0, "pad"].play(0)
            heard(s, control.RUMBLE, 0, 0, 0)
            # On a link that carries nothing little is kept, but the last word.
            before = len(messages(s, control.RUMBLE))
            s.deaf_until = time.monotonic() + 60
            for i in range(400):
                found[0, "pad"].play(i % 2)
                time.sleep(0.001)  # the host takes what comes at once together
            found[0, "pad"].play(0)
            time.sleep(0.5)
            s.deaf_until = 0
            until(lambda: len(messages(s, control.RUMBLE)) > before, "rumble after the silence")
            time.sleep(2)
            told = messages(s, control.RUMBLE)[before:]
            print(f"# 400 changes in {len(told)} messages")
            assert len(told) < 40 and told[-1][-6:] == bytes(6), told[-3:]
            # The kernel's driver halves what Sony's motors get to their 8 bits.
            found[2, "pad"].rumble(0xFFFF, 0)
            until(lambda: any(struct.unpack("<HHH", p[-6:])[0] == 2 and struct.unpack(
                "<HHH", p[-6:])[1] > 60000 for p in messages(s, control.RUMBLE)), "its rumble")
            light(found[2, "pad"])
            heard(s, control.LED, 2, 10, 200, 30, form="<HBBB")
            # Pad 3 has no light: the client is not told of one.
            light(found[3, "pad"])
            stiffen(found[2, "pad"])
            heard(s, control.ADAPTIVE_TRIGGERS, *TRIGGERS, form="<HBBB10s10s")
            # The host sees who opens the node from when udev let it look.
            sensor = Node(found[2, "motion"].path)
            until(lambda: any(p[:2] == b"\2\0" and p[4] == 2 for p in messages(
                s, control.MOTION_REQUEST)), "a request for motion")
            s.input(control.pad_motion(2, 2, 100.0, 0, 0), control.PAD_MOTION + 2, reliable=False)
            until(lambda: any(k == EV_ABS and c == 3 and v > 50000 for k, c, v in sensor.read()),
                  f"motion: {sensor.seen}")
            s.input(control.pad_touch(2, 1, 5, 0.5, 0.5), control.PAD + 2)
            found[2, "touch"].wait(EV_KEY, 0x14A, 1)  # BTN_TOUCH
            assert not [p for p in messages(s, control.LED) if p[0] == 3]

        # The client is away: what it held is let go, and the program keeps its pads.
        for i in range(4):
            found[i, "pad"].wait(EV_KEY, SOUTH, 0)
        assert all(n.alive() for n in found.values())

        with client.Session(w, **SIZE) as s:
            s.start(resume=True).frames(1)
            arrive(s)
            # Told again: it is another client for all the pad knows.
            heard(s, control.LED, 2, 10, 200, 30, form="<HBBB")
            heard(s, control.ADAPTIVE_TRIGGERS, *TRIGGERS, form="<HBBB10s10s")
            for i in range(4):
                s.input(control.pad(i, 15, A), control.PAD + i)
            for i in range(4):
                found[i, "pad"].wait(EV_KEY, SOUTH, 1)
            s.input(control.pad(1, 0b1101), control.PAD + 1)
            until(lambda: not found[1, "pad"].alive(), "the end of pad 1")
            assert all(found[i, "pad"].alive() for i in (0, 2, 3))
        assert all(found[i, "pad"].alive() for i in (0, 2, 3))
        w.cancel()
        until(lambda: not nodes(), "the end of the devices")


def the_setting_chooses_the_kind():
    with gs_bed.host("--audio=no", "--gamepad", "dualshock4") as h:
        w = h.clients[0]
        with client.Session(w, **SIZE) as s:
            s.start().frames(1)
            # An older client announces by the state alone, and knows rumble only.
            s.input(control.pad(0, 1), control.PAD)
            found = pads(3)
            assert found[0, "pad"].id[0] == 0x054C, found[0, "pad"].id
            found[0, "pad"].rumble(0xFFFF, 0xFFFF)
            until(lambda: messages(s, control.RUMBLE), "its rumble")
            assert {k for k, _ in s.messages} == {control.RUMBLE}, s.messages
            # Without the grant the pad leaves; with it again the next state brings it back.
            h.command("clients", "set", w.identity.fingerprint, "--grants", "keyboard,pointer")
            until(lambda: not nodes(), "the end of a pad that is not granted")
            s.input(control.pad(0, 1, A), control.PAD)
            s.delivered()
            assert not nodes()
            h.command("clients", "set", w.identity.fingerprint, "--grants", "all")
            s.input(control.pad(0, 1, A), control.PAD)
            found = pads(3)
            found[0, "pad"].rumble(0xFFFF, 0xFFFF)
            count = len(messages(s, control.RUMBLE))
            until(lambda: len(messages(s, control.RUMBLE)) > count, "its rumble")
            w.cancel()
            assert s.ended() == control.NORMAL_END
        # What still shook was told to stop before the goodbye.
        assert messages(s, control.RUMBLE)[-1][-4:] == bytes(4)
        until(lambda: not nodes(), "the end of the devices")


def a_touch_lands_where_the_client_looks():
    """The user's own sway, with a screen of its own beside the client's output."""
    if not shutil.which("sway") or not (BUILD / "tools/pattern/pf-pattern").exists():
        raise Skip("sway or pf-pattern is missing")
    with host_bed.Place() as p:
        gs_bed.desk_tools(p, BUILD / "tools/pattern/pf-pattern")
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
            command = gs_bed.desk_command(p, "exec pf-pattern --report seen.json")
            with gs_bed.Host(p, "--audio=no", "--session-command", command, display="session",
                             WAYLAND_DISPLAY=sockets()[0]) as h:
                touch_and_see(p, h)
                h.end()
        finally:
            sway.terminate()
            sway.wait(timeout=host_bed.PATIENCE)


def inputs(p):
    sock = next((p.dir / "runtime_dir").glob("sway-ipc.*.sock"))
    return subprocess.run(["swaymsg", "-s", sock, "-t", "get_inputs", "-r"], capture_output=True,
                          text=True, check=True).stdout


def touch_and_see(p, h):
    def seen():
        return json.loads((p.dir / "seen.json").read_text())
    with client.Session(h.clients[0], **{**SIZE, "width": 640, "height": 480}) as s:
        s.start().frames(1)
        assert "featureFlags:3\r\n" in s.description, s.description
        until(lambda: (p.dir / "seen.json").exists() and seen()["frames_drawn"] > 2, "the program")
        until(lambda: "20550:1:punktfunk_touch_screen" in inputs(p), "the touch screen in sway")
        # A program that knows no touch: sway makes a pointer of it.
        for x, y in ((0.25, 0.5), (0.75, 0.125)):
            before = seen()["buttons_pressed"]
            s.input(control.touch(1, 7, x, y), control.TOUCH)
            until(lambda: seen()["buttons_pressed"] > before, f"a touch: {seen()}")
            s.input(control.touch(2, 7, x, y), control.TOUCH)
            until(lambda: seen()["buttons_released"] == before + 1, "its end")
            at = seen()["pointer_x"], seen()["pointer_y"]
            print(f"# touched {x}, {y}: {at}")
            assert abs(at[0] - 640 * x) <= 2 and abs(at[1] - 480 * y) <= 2, at
        h.clients[0].cancel()
        assert s.ended() == control.NORMAL_END


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


prepare()
host_bed.main([four_pads_there_and_back, the_setting_chooses_the_kind,
               a_touch_lands_where_the_client_looks])
