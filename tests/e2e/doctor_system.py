#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""punktfunk-host doctor on machines that are really broken: user, directories, disk,
limits, sleep, trust. Each
cause is made, found, and where that can be done here mended by the very command that
the doctor names.

usage: doctor_system.py PUNKTFUNK-HOST BUS-NAMES. Prints TAP."""
import contextlib
import http.client
import os
import resource
import stat
import subprocess
import sys
import threading
import time

from doctor_bed import DEMOTE, NO_BUS, Room, argv_of, expect, here, read, user_run
from host_bed import HOST, PATIENCE, ROOT, USER, Place, Server, Skip, main, until

BUS_NAMES = os.path.abspath(sys.argv[2])


# ---- system ----

def users_and_settings():
    with Place() as p:
        if ROOT:
            checks = here(p, "--only", "system", "--user", "nonesuch")
            expect(checks["system.user"], "fail", "nonesuch", command="useradd")
        (p.config / "host.conf").write_text("# mine\nmax_sessions = many\n")
        p.own()
        bad = expect(here(p, "--only", "system")["system.settings"], "fail", "host.conf:2", "max_sessions")
        assert p.run("check").returncode == 3
        user_run(p, bad["command"])
        assert p.run("check").returncode == 0
        expect(here(p, "--only", "system")["system.settings"], "ok")


def directories():
    with Place() as p:
        state = p.dir / "state_home"
        state.chmod(0o500)
        shut = expect(here(p, "--only", "system")["system.dir_state"], "fail", "0500", command="chmod")
        user_run(p, shut["command"])
        expect(here(p, "--only", "system")["system.dir_state"], "ok")
        (p.dir / "data_home" / "punktfunk").write_text("in the way")
        p.own()
        blocked = expect(here(p, "--only", "system")["system.dir_data"], "fail", "in the way")
        user_run(p, blocked["command"])
        expect(here(p, "--only", "system")["system.dir_data"], "ok")
        if not ROOT:
            raise Skip("namespaces of a whole machine need root")
        os.chown(state, 0, 0)
        state.chmod(0o755)
        with Room(p) as room:
            foreign = expect(room.as_user("--only", "system")["system.dir_state"], "fail", "user 0",
                             command="chown -R")
            room.mend(foreign)
            expect(room.doctor("--only", "system")["system.dir_state"], "ok")
            room.sh(f"mount --bind {p.dir}/config_home {p.dir}/config_home && "
                    f"mount -o remount,bind,ro {p.dir}/config_home")
            locked = expect(room.doctor("--only", "system")["system.dir_config"], "fail", "read-only")
            room.sh(locked["command"].replace("sudo ", "").replace("remount,rw", "remount,bind,rw"))
            expect(room.doctor("--only", "system")["system.dir_config"], "ok")
            own = f"chown {USER.pw_uid}"
            room.sh(f"mount -t tmpfs -o size=1m none {state} && {own} {state}; "
                    f"mount -t tmpfs -o size=32m none {p.dir}/data_home && {own} {p.dir}/data_home; "
                    f"mount -t tmpfs -o size=1m,mode=700 none {p.dir}/runtime_dir && {own} {p.dir}/runtime_dir")
            checks = room.doctor("--only", "system")
            expect(checks["system.disk_state"], "fail", "full")
            expect(checks["system.disk_data"], "warn", "nearly full")
            tight = expect(checks["system.disk_runtime"], "fail", "full")
            room.mend(tight)
            expect(room.doctor("--only", "system")["system.disk_runtime"], "ok")


def the_runtime_directory():
    with Place() as p:
        run = p.dir / "runtime_dir"
        run.chmod(0o755)
        open_ = expect(here(p, "--only", "system")["system.runtime_dir"], "warn", "open to others")
        user_run(p, open_["command"])
        expect(here(p, "--only", "system")["system.runtime_dir"], "ok")
        run.chmod(0o500)
        shut = expect(here(p, "--only", "system")["system.runtime_dir"], "warn", "cannot be written")
        user_run(p, shut["command"])
        expect(here(p, "--only", "system")["system.runtime_dir"], "ok")
        if not ROOT:
            checks = here(p, "--only", "system", XDG_RUNTIME_DIR="/nonexistent")
            expect(checks["system.runtime_dir"], "warn", "no directory")
            return
        argv = argv_of(p, "--only", "system")
        i = argv.index("--user")

        def as_user(**env):
            run_env = {k: v for k, v in {**p.env, **env, "HOME": str(p.dir)}.items() if v is not None}
            return read(subprocess.run([*argv[:i], *argv[i + 2:]], env=run_env, text=True, capture_output=True,
                                       timeout=PATIENCE, **DEMOTE))["system.runtime_dir"]

        expect(as_user(XDG_RUNTIME_DIR="/nonexistent"), "warn", "no directory")
        expect(as_user(XDG_RUNTIME_DIR="/root"), "warn", "another user's")
        if not os.path.exists(f"/run/user/{USER.pw_uid}"):
            expect(as_user(XDG_RUNTIME_DIR=None), "warn", "makes do", command="enable-linger")


def login_and_sleep():
    with Place() as p, Room(p) as room:
        def system(**env):
            return room.doctor("--only", "system", **env)

        expect(system()["system.linger"], "skip", "systemd does not run")
        room.sh("mkdir -p /run/systemd/system")
        expect(system()["system.linger"], "warn", "may not linger", command=f"enable-linger {USER.pw_name}")
        room.sh(f"mkdir -p /var/lib/systemd/linger && touch /var/lib/systemd/linger/{USER.pw_name}")
        expect(system()["system.linger"], "ok")
        expect(system(**NO_BUS)["system.sleep"], "skip", "does not answer")
        for names, state, words, command in (
                ((), "skip", "no logind", None),
                (("logind",), "ok", "awake", None),
                (("logind-refuses",), "warn", "does not let user", "polkitd"),
                (("logind-suspends",), "warn", "IdleAction is suspend", "IdleAction=ignore")):
            with room.bus(BUS_NAMES, *names) as bus:
                expect(system(DBUS_SYSTEM_BUS_ADDRESS=bus)["system.sleep"], state, words, command=command)
        argv = room.argv("prlimit", "--nofile=100", *argv_of(p, "--only", "system"))
        checks = read(subprocess.run(argv, env=p.env, text=True, capture_output=True, timeout=PATIENCE))
        expect(checks["system.files"], "warn", "100 files", command="ulimit -n")
        rights = resource.getrlimit(resource.RLIMIT_RTPRIO)[0]
        expect(checks["system.realtime"], "ok" if rights else "warn", "real-time priority")
        for rtprio in (0, 20):
            argv = room.argv("prlimit", f"--rtprio={rtprio}", *argv_of(p, "--only", "system"))
            r = subprocess.run(argv, env=p.env, text=True, capture_output=True, timeout=PATIENCE, check=False)
            if r.stdout:  # a container may not raise it
                expect(read(r)["system.realtime"], "ok" if rtprio else "warn", "real-time priority")


# ---- trust ----

def who_is_trusted():
    with Place() as p:
        def trust(*args):
            return here(p, "--only", "trust", *args)

        (p.config / "host.conf").write_text("trust_on_first_use = yes\nmgmt_bind = 0.0.0.0\n"
                                            "gamestream = yes\ngamestream_plain_rtsp = yes\n")
        p.own()
        checks = trust()
        for name, state, words in (("first_use", "fail", "controls a desktop"), ("mgmt", "warn", "0.0.0.0"),
                                   ("gamestream", "warn", "gamestream_plain_rtsp")):
            command = expect(checks["trust." + name], state, words)["command"]
            user_run(p, f"PATH={os.path.dirname(HOST)}:$PATH; {command}")
        checks = trust()
        for name in ("first_use", "mgmt", "gamestream"):
            expect(checks["trust." + name], "ok" if name != "gamestream" else checks["trust.gamestream"]["state"])
        data, state = p.dir / "data_home" / "punktfunk", p.dir / "state_home" / "punktfunk"
        data.mkdir(mode=0o700)
        state.mkdir(mode=0o700, exist_ok=True)  # by `console`
        (data / "host.pem").write_text("a key")
        (data / "host.pem").chmod(0o644)
        (state / "mgmt-token").write_text("a token")
        (state / "mgmt-token").chmod(0o640)
        (p.config / "allowed_clients").write_text("")
        (p.config / "allowed_clients").chmod(0o666)
        p.own()
        checks = trust()
        keys = expect(checks["trust.keys"], "fail", "host.pem", "mgmt-token", command="chmod go-rwx")
        writers = expect(checks["trust.settings"], "fail", "allowed_clients", command="chmod go-w")
        user_run(p, keys["command"])
        user_run(p, writers["command"])
        checks = trust()
        expect(checks["trust.keys"], "ok")
        expect(checks["trust.settings"], "ok")
        assert stat.S_IMODE((data / "host.pem").stat().st_mode) == 0o600
        with Room(p) as room:
            room.sh("ip link add pfa0 type veth peer name pfa1; ip link set pfa0 up; ip addr add 10.1.1.1/24 dev pfa0")
            options = ("--only", "trust", "--gamestream", "--gamestream-plain-rtsp=no")
            expect(room.doctor(*options)["trust.gamestream"], "ok", "no address here is public")
            room.sh("ip addr add 9.9.9.9/32 dev pfa0")
            weak = expect(room.doctor(*options)["trust.gamestream"], "fail", "9.9.9.9")
            room.sh(weak["command"])



# ---- a host that serves ----

def the_running_host_looks_for_the_console():
    with Place() as p, Server(p, "--trust-on-first-use", "--software-codecs", "h264,av1") as server:
        assert server.line.startswith("ready"), server.stderr()
        from mgmt_bed import Api
        api = Api(p, server)
        assert api.expect(200, "GET", "/diagnostics") == {"at": None, "running": False, "checks": []}
        with api.listen("diagnostics") as events:
            first = threading.Thread(target=lambda: results.append(api.expect(200, "POST", "/diagnostics/refresh", {})))
            results = []
            first.start()
            assert events.next()[0] == "diagnostics.changed"
            status, _ = Api(p, server).ask("POST", "/diagnostics/refresh", {})
            assert status == 409 or not first.is_alive(), status
            first.join()
            assert events.next()[0] == "diagnostics.changed"
        checks = {c["id"]: c for c in results[0]["checks"]}
        assert api.expect(200, "GET", "/diagnostics")["checks"], "it is kept"
        # With the settings in force, and with itself in mind.
        expect(checks["trust.first_use"], "warn", "127.0.0.1",
               command="punktfunk-host settings trust_on_first_use no")
        assert checks["encoder.aom"]["state"] != "skip" and checks["encoder.x265"]["state"] == "skip", checks
        # The command line finds the same.
        cli = here(p, "--trust-on-first-use", "--software-codecs", "h264,av1", "--bind-address", "127.0.0.1",
                   "--port", "0", "--mgmt-port", "0")
        differ = {i for i in cli if cli[i]["state"] != checks[i]["state"]} - {"system.runtime_dir", "network.firewall"}
        assert set(cli) == set(checks) and not differ, [(cli[i], checks[i]) for i in differ]
        # A host that is told to end does not wait for a look.
        def ask_late():
            with contextlib.suppress(OSError, http.client.HTTPException):  # it may hear nothing any more
                Api(p, server).ask("POST", "/diagnostics/refresh", {})

        late = threading.Thread(target=ask_late)
        late.start()
        until(lambda: api.expect(200, "GET", "/diagnostics")["running"] or not late.is_alive(), "it looks")
        begin = time.monotonic()
        server.end()
        assert time.monotonic() - begin < 9, "the shutdown waited"
        late.join()


main([users_and_settings, directories, the_runtime_directory, login_and_sleep, who_is_trusted,
      the_running_host_looks_for_the_console])
