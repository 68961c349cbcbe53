#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""punktfunk-host doctor on machines that are really broken: its pictures, devices,
sound and encoders. Each
cause is made, found, and where that can be done here mended by the very command that
the doctor names.

usage: doctor.py PUNKTFUNK-HOST BUS-NAMES. Prints TAP."""
import contextlib
import grp
import os
import pty
import shutil
import signal
import subprocess
import sys
import time

from doctor_bed import AREAS, NO_BUS, Compositor, Room, argv_of, expect, here, read, script, sway, user_run
from host_bed import PATIENCE, ROOT, USER, Place, Skip, main, until

BUS_NAMES = os.path.abspath(sys.argv[2])


# ---- the command itself ----


def a_sound_machine_is_told_so():
    with Place() as p:
        begin = time.monotonic()
        checks = here(p)
        assert time.monotonic() - begin < 60
        areas = [c["area"] for c in checks.values()]
        assert sorted(areas, key=AREAS.index) == areas and set(areas) == set(AREAS), areas
        assert len(checks) >= 40, len(checks)
        expect(checks["encoder.choice"], "ok", "H.264")
        expect(checks["network.gso"], "ok")
        expect(checks["system.settings"], "ok")
        # It changes nothing: no key, no directory.
        assert not any((p.dir / "data_home").iterdir()) and not any((p.dir / "state_home").iterdir())


def areas_colours_and_exit_codes():
    with Place() as p:
        only = here(p, "--only", "trust")
        assert {c["area"] for c in only.values()} == {"trust"}, only
        r = p.run("doctor", "--only", "nonsense")
        assert r.returncode == 2 and "nonsense" in r.stderr, r
        r = p.run("doctor", "--only", "trust")
        assert r.returncode == 0 and "\033" not in r.stdout and "in order" in r.stdout, r.stdout
        r = p.run("doctor", "--only", "trust", "--trust-on-first-use")
        assert r.returncode == 1 and "$ " in r.stdout, r.stdout

        def on_terminal(**env):
            master, slave = pty.openpty()
            q = subprocess.Popen(p.argv("doctor", "--only", "trust"), stdout=slave,
                                 env={**p.env, "TERM": "xterm", **env}, stdin=subprocess.DEVNULL)
            os.close(slave)
            out = b""
            with contextlib.suppress(OSError):
                while more := os.read(master, 4096):
                    out += more
            os.close(master)
            assert q.wait(PATIENCE) == 0
            return out

        plain = {k: v for k, v in p.env.items() if k != "NO_COLOR"}
        p.env = plain
        assert b"\033[32m" in on_terminal()
        assert b"\033" not in on_terminal(NO_COLOR="1")
        assert b"\033" not in on_terminal(TERM="dumb")


# ---- display ----

def without_a_compositor():
    with Place() as p:
        checks = here(p, "--xwayland", PATH="/nonexistent", **NO_BUS)
        expect(checks["display.desk"], "fail", "sway", command="apt-get install sway")
        expect(checks["display.program"], "warn", "foot", command="apt-get install foot")
        expect(checks["display.xwayland"], "fail", command="apt-get install xwayland")
        expect(checks["sound.pipewire"], "fail", "pipewire", command="apt-get install pipewire")
        # The host says the same.
        r = p.run("serve", "--port", "0", PATH="/nonexistent")
        assert r.returncode == 7 and "sway is not installed" in r.stderr, r
        checks = here(p, "--only", "display", "--display-backend", "pattern")
        expect(checks["display.desk"], "skip", "pattern")


def a_compositor_that_refuses():
    with Place() as p:
        checks = here(p, "--only", "display",
                      PATH=script(p, "sway", "echo the output is refused >&2\nexit 3\n"))
        expect(checks["display.desk"], "fail", "status 3", "the output is refused", command="--reinstall sway")
        deep = p.dir / ("d" * 90)
        deep.mkdir(mode=0o700)
        p.own()
        checks = here(p, "--only", "display", XDG_RUNTIME_DIR=str(deep))
        expect(checks["display.desk"], "fail", "runtime directory")


def a_session_that_nothing_names():
    with Place() as p, sway(p) as name:
        session = expect(here(p, "--only", "display")["display.session"], "warn", "WAYLAND_DISPLAY is not set",
                         "sway", "/" + name, command="session_socket")
        strict = here(p, "--only", "display", "--display-backend", "session")
        expect(strict["display.session"], "fail")
        user_run(p, session["command"])
        checks = here(p, "--only", "display")
        expect(checks["display.session"], "ok", "sway")
        expect(checks["display.protocols"], "ok", "screencopy")
        expect(checks["display.output"], "ok", "adds an output")
        # The variables of a session that is over.
        checks = here(p, "--only", "display", "--session-socket", "wayland-99")
        stale = expect(checks["display.session"], "warn", "wayland-99", name)
        user_run(p, stale["command"])
        expect(here(p, "--only", "display")["display.session"], "ok")
        (p.config / "host.conf").write_text("")
        env = dict(p.env, WAYLAND_DISPLAY=name)
        env.pop("XDG_RUNTIME_DIR")
        if not ROOT:  # root's host gives its user another one
            lost = read(subprocess.run(argv_of(p, "--only", "display"), env=env, text=True,
                                       capture_output=True, timeout=PATIENCE))
            expect(lost["display.session"], "warn", "XDG_RUNTIME_DIR is not")


def a_session_of_another_family():
    with Place() as p:
        with Compositor(p, [("wl_compositor", 4), ("wl_shm", 1)]) as other:
            socket_option = ("--session-socket", str(other.path))
            checks = here(p, "--only", "display", *socket_option)
            expect(checks["display.session"], "warn", "not of the wlroots family", command="display_backend")
            expect(checks["display.protocols"], "fail", "zwlr_screencopy_manager_v1", "no picture")
        with Compositor(p, [("wl_compositor", 4), ("zwlr_screencopy_manager_v1", 3)]) as other:
            checks = here(p, "--only", "display", "--display-backend", "session", "--session-socket",
                          str(other.path))
            expect(checks["display.protocols"], "warn", "no pointer", "no keyboard", "no clipboard")
            expect(checks["display.output"], "fail", "has no output")
        checks = here(p, "--only", "display", "--display-backend", "session")
        gone = expect(checks["display.session"], "fail", "no compositor runs")
        user_run(p, gone["command"])
        expect(here(p, "--only", "display")["display.session"], "skip")


def a_session_that_hangs():
    with Place() as p, Compositor(p, [], silent=True) as dead:
        begin = time.monotonic()
        checks = here(p, "--only", "display", "--display-backend", "session", "--session-socket", str(dead.path))
        assert time.monotonic() - begin < 30
        expect(checks["display.session"], "fail", str(dead.path), command="wlroots")


def a_check_that_crashes():
    with Place() as p, Compositor(p, [], silent=True) as dead:
        q = subprocess.Popen(argv_of(p, "--only", "display", "--display-backend", "session", "--session-socket",
                                     str(dead.path)), env=p.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL, text=True)
        # The compositor hears from the check before anybody else of the doctor.
        until(lambda: dead.peer, "somebody asks the compositor")
        os.kill(dead.peer, signal.SIGKILL)  # others a sanitizer catches
        out, err = q.communicate(timeout=PATIENCE)
        checks = read(subprocess.CompletedProcess(q.args, q.returncode, out, err))
        expect(checks["display.session"], "fail", "crashed (signal 9)")
        expect(checks["display.desk"], "skip")
        # What one that was killed left is swept by the next.
        run = p.dir / "runtime_dir"
        left, other = run / f"pf-dr-{q.pid}-abcdef", run / f"pf-dr-{os.getpid()}-abcdef"
        for folder in (left, other):
            folder.mkdir(mode=0o700)
        p.own()
        here(p, "--only", "display")
        assert not left.exists() and other.exists(), list(run.iterdir())
        other.rmdir()
        assert not list(run.glob("pf-dr-*")), list(run.iterdir())


def a_session_without_portal():
    with Place() as p, sway(p) as name:
        env = {"WAYLAND_DISPLAY": p.env["XDG_RUNTIME_DIR"] + "/" + name}
        checks = here(p, "--only", "display", **env, **NO_BUS)
        expect(checks["display.portal"], "warn", "no D-Bus", command="dbus-user-session")
        if not ROOT:
            raise Skip("namespaces of a whole machine need root")
        with Room(p) as room:
            for names, state, words in (((), "warn", "no portal"), (("portal",), "ok", "ScreenCast version 4")):
                with room.bus(BUS_NAMES, *names) as bus:
                    # Root's own session bus is of no use to the user: ask as the user.
                    checks = room.as_user("--only", "display", DBUS_SESSION_BUS_ADDRESS=bus, **env)
                    found = expect(checks["display.portal"], state, words)
                    assert state == "ok" or "xdg-desktop-portal-wlr" in found["command"], found


# ---- devices ----

def nodes_that_do_not_open():
    with Place() as p, Room(p) as room:
        def devices(**env):
            return room.doctor("--only", "devices", **env)

        release = os.uname().release
        checks = devices()
        expect(checks["devices.uinput"], "warn", "built without the module uinput",
               command="apt-get install linux-image-amd64")
        expect(checks["devices.uhid"], "warn", "uhid")
        expect(checks["devices.rules"], "skip", "no udev")
        room.sh(f"mkdir -p /lib/modules/{release} && echo 'kernel/drivers/input/misc/uinput.ko:' "
                f">/lib/modules/{release}/modules.dep")
        expect(devices()["devices.uinput"], "warn", "module uinput is not loaded", command="modprobe -a uinput")
        expect(devices(container="podman")["devices.uinput"], "warn", "container", command="--device /dev/uinput")
        # A node without its module.
        room.sh("mknod -m 666 /dev/uinput c 10 223")
        if not os.path.exists("/sys/class/misc/uinput"):
            expect(devices()["devices.uinput"], "warn", "not loaded")
        # Closed, without a rule; then with the rule, which udev did not apply.
        room.sh("chmod 600 /dev/uinput; mkdir -p /run/udev && touch /run/udev/control")
        checks = devices()
        closed = expect(checks["devices.uinput"], "warn", "60-punktfunk.rules is not installed")
        expect(checks["devices.rules"], "warn", "is not installed")
        room.sh("mkdir -p /etc/udev/rules.d")
        room.sh(closed["command"].replace("sudo ", "").split(" && udevadm")[0])
        checks = devices()
        expect(checks["devices.rules"], "ok", "/etc/udev/rules.d")
        expect(checks["devices.uinput"], "warn", "udev has not applied it", command="udevadm trigger")
        # The rule's lines are those of the package.
        source = os.environ["PF_SOURCE_ROOT"] + "/host/data/60-punktfunk.rules"
        wanted = [line for line in open(source, encoding="utf-8") if 'SUBSYSTEM=="misc"' in line]
        made = room.sh("cat /etc/udev/rules.d/60-punktfunk.rules").stdout.splitlines(True)
        assert made == wanted, (made, wanted)
        # The group has it, and the user joins.
        room.sh("chgrp games /dev/uinput; chmod 660 /dev/uinput")
        group = expect(devices()["devices.uinput"], "warn", "only the group games", command="usermod -aG games")
        assert grp.getgrnam("games").gr_gid not in os.getgrouplist(USER.pw_name, USER.pw_gid)
        room.mend(group)
        checks = devices()  # root's host takes the user's groups anew
        assert "only the group" not in checks["devices.uinput"]["cause"], checks["devices.uinput"]
        expect(room.as_user("--only", "devices")["devices.uinput"], "warn", "began before", command="sg games")


# ---- sound ----

def sound_that_fails():
    with Place() as p:
        def sound(*args, text=None, **env):
            path = {"PATH": script(p, "pipewire", text)} if text else {}
            return here(p, "--only", "sound", *args, **path, **env)

        old = sound(text='echo "Compiled with libpipewire 0.3.48"\necho "Linked with libpipewire 0.3.48"\n')
        expect(old["sound.pipewire"], "fail", "0.3.48 is too old", command="apt-get install pipewire")
        expect(old["sound.trial"], "fail", "does not come up")
        hung = sound(text="sleep 100\n")
        expect(hung["sound.pipewire"], "fail", "does not end")
        expect(sound("--audio=no")["sound.trial"], "skip", "off")
        if not shutil.which("pipewire"):
            raise Skip("pipewire is not installed")
        expect(sound()["sound.trial"], "ok", "sink")
        # Its directory of modules without the one that programs need.
        modules = next((d for d in ("/usr/lib/x86_64-linux-gnu/pipewire-0.3", "/usr/lib/aarch64-linux-gnu/pipewire-0.3")
                        if os.path.isdir(d)), None)
        if not modules:
            raise Skip("PipeWire's modules are elsewhere")
        fewer = p.dir / "modules"
        shutil.copytree(modules, fewer)
        (fewer / "libpipewire-module-protocol-pulse.so").unlink()
        p.own()
        lame = sound(PIPEWIRE_MODULE_DIR=str(fewer))
        expect(lame["sound.pulse"], "fail", "protocol-pulse", command="libpipewire-0.3-modules")
        deep = p.dir / ("d" * 90)
        deep.mkdir(mode=0o700)
        p.own()
        expect(sound(XDG_RUNTIME_DIR=str(deep))["sound.trial"], "fail", "too long", command="XDG_RUNTIME_DIR")


# ---- encoder ----

def encoders_that_do_not_open():
    with Place() as p:
        checks = here(p, "--only", "encoder", "--software-codecs", "hevc")
        lame = expect(checks["encoder.choice"], "warn", "H.264", command="software_codecs")
        user_run(p, lame["command"])
        (p.config / "host.conf").write_text("encoder = vaapi\n")
        p.own()
        if os.path.exists("/dev/dri"):
            raise Skip("a machine without GPU")
        wrong = expect(here(p, "--only", "encoder")["encoder.choice"], "fail", "vaapi", command="encoder = auto")
        user_run(p, wrong["command"])
        expect(here(p, "--only", "encoder")["encoder.choice"], "ok")
        checks = here(p, "--only", "encoder", "--encoder", "nonesuch")
        expect(checks["encoder.choice"], "fail", "nonesuch")
        with Room(p) as room:
            expect(room.doctor("--only", "encoder")["encoder.vaapi"], "skip", "no GPU")
            room.sh("mkdir /dev/dri; mknod -m 600 /dev/dri/renderD128 c 226 128; mknod -m 600 /dev/nvidia0 c 195 0")
            checks = room.doctor("--only", "encoder")
            closed = expect(checks["encoder.vaapi"], "warn", "may not open /dev/dri/renderD128",
                            command="usermod -aG render")
            expect(checks["encoder.nvenc"], "warn", "may not open /dev/nvidia0", command="usermod -aG")
            room.sh("getent group render >/dev/null || groupadd -r render; chgrp render /dev/dri/*; "
                    "chmod 660 /dev/dri/*")
            room.mend(closed)
            room.sh("chmod 666 /dev/nvidia0")
            checks = room.doctor("--only", "encoder")
            expect(checks["encoder.vaapi"], "warn", "is there, but", command="va-driver-all")
            expect(checks["encoder.nvenc"], "warn", "libnvidia-encode.so.1", command="libnvidia-encode1")


main([a_sound_machine_is_told_so, areas_colours_and_exit_codes, without_a_compositor,
      a_compositor_that_refuses, a_session_that_nothing_names, a_session_of_another_family,
      a_session_that_hangs, a_check_that_crashes, a_session_without_portal, nodes_that_do_not_open,
      sound_that_fails, encoders_that_do_not_open])
