#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""mDNS through a real Avahi daemon, on a bus and a network of its own.

usage: discovery.py PUBLISH HOST [PROBE]
PUBLISH is the program of publish.c. Needs root for the namespaces. Prints TAP."""
import json
import os
import pathlib
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PUBLISH, HOST = sys.argv[1:3]
PROBE = sys.argv[3] if len(sys.argv) > 3 else None
USER = "nobody"
PATIENT = 3 if os.environ.get("PF_SANITIZE") else 1
NEEDS = {"dbus-daemon": "dbus", "avahi-daemon": "avahi-daemon", "avahi-browse": "avahi-utils",
         "ip": "iproute2", "unshare": "util-linux"}

BUS_CONF = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>system</type><listen>unix:path={bus}</listen><auth>EXTERNAL</auth>
<policy context="default"><allow user="*"/><allow own="*"/><allow send_type="method_call"/>
<allow send_type="signal"/><allow send_requested_reply="true" send_type="method_return"/>
<allow send_requested_reply="true" send_type="error"/><allow receive_type="method_call"/>
<allow receive_type="method_return"/><allow receive_type="error"/><allow receive_type="signal"/>
</policy></busconfig>
"""
AVAHI_CONF = """[server]
host-name=pftest
use-ipv4=yes
use-ipv6=no
allow-interfaces=pfveth0,pfveth2
enable-dbus=yes
ratelimit-interval-usec=1000000
ratelimit-burst=1000
[publish]
publish-hinfo=no
publish-workstation=no
[rlimits]
"""


def skip_all(why):
    print(f"1..0 # SKIP {why}")
    sys.exit(0)


def missing():
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    for tool, package in NEEDS.items():
        if not shutil.which(tool, path=path):
            return f"{tool} (package {package})"
    return None


def enter_namespaces():
    """Runs this script again with a network, mounts and /run of its own."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    lack = missing()
    if lack:
        skip_all(f"missing {lack}")
    probe = subprocess.run(
        ["unshare", "--net", "--mount", "sh", "-c", "mount -t tmpfs none /run && "
         "ip link add pfveth0 type veth peer name pfveth1"], capture_output=True, text=True, check=False)
    if probe.returncode:
        skip_all("namespaces with a veth link need root")
    os.environ["PF_INSIDE"] = "1"
    os.execvp("unshare", ["unshare", "--net", "--mount", "--propagation", "private",
                          sys.executable, __file__, *sys.argv[1:]])


class Bed:
    def __init__(self, folder):
        self.folder = folder
        self.bus = folder / "bus"
        self.procs = []
        subprocess.run(
            "mount -t tmpfs none /run && ip link set lo up && ip link add pfveth0 type veth peer name pfveth1 && "
            "ip link set pfveth1 up && "
            "ip addr add 10.77.0.1/24 dev pfveth0 && ip link set pfveth0 up multicast on && "
            "ip link add pfveth2 type veth peer name pfveth3 && ip link set pfveth3 up && "
            "ip addr add 10.78.0.1/24 dev pfveth2 && ip link set pfveth2 up multicast on && "
            "ip route add 224.0.0.0/4 dev pfveth0", shell=True, check=True)
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = f"unix:path={self.bus}"
        (folder / "bus.conf").write_text(BUS_CONF.format(bus=self.bus))
        (folder / "avahi.conf").write_text(AVAHI_CONF)

    def start(self, *command, **kw):
        p = subprocess.Popen(command, **kw)
        self.procs.append(p)
        return p

    def start_bus(self):
        p = self.start("dbus-daemon", f"--config-file={self.folder}/bus.conf", "--nofork", "--nopidfile")
        await_true(self.bus.exists, "the bus")
        return p

    def start_avahi(self):
        return self.start("avahi-daemon", "-f", str(self.folder / "avahi.conf"), "--no-drop-root",
                          "--no-chroot", "--no-rlimits", "--no-proc-title",
                          stderr=subprocess.DEVNULL)

    def publish(self, name, port="47989"):
        log = open(self.folder / f"{name}.log", "w+", encoding="utf-8")
        p = self.start(PUBLISH, name, "_nvstream._tcp", port, "v=1", "fp=aa",
                       stdin=subprocess.PIPE, stderr=log)
        p.log = log
        return p

    def start_host(self, *settings):
        """A whole host, that streams to nobody."""
        user = pwd.getpwnam(USER)
        home = self.folder / "home"
        env = dict(os.environ)
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
            path = home / name.lower()
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            env["XDG_" + name] = str(path)
        for path in [home, *home.rglob("*")]:
            os.chown(path, user.pw_uid, user.pw_gid)
        self.folder.chmod(0o755)
        log = open(self.folder / "host.log", "w+", encoding="utf-8")
        p = self.start(HOST, "serve", "--user", USER, "--port", "9777", "--mgmt-port", "47990",
                       "--mgmt-bind", "0.0.0.0", "--spare-desk=no", "--display-backend=null",
                       "--audio-backend=null", "--encoder=null", *settings, env=env, text=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log)
        p.log = log
        line = p.stdout.readline()
        assert line.startswith("ready "), said(p)
        p.words = dict(w.split("=", 1) for w in line.split()[1:])
        return p

    def discover(self, *options, code=0):
        """What the probe sees."""
        env = dict(os.environ, XDG_DATA_HOME=str(self.folder))
        r = subprocess.run([PROBE, "discover", "--json", *options], env=env, text=True,
                           capture_output=True, timeout=60, check=False)
        assert r.returncode == code, (r.returncode, r.stdout, r.stderr)
        return {h["name"]: h for h in json.loads(r.stdout)["hosts"]}

    def stop(self, p, how=signal.SIGTERM):
        if p.stdin:
            p.stdin.close()
        else:
            p.send_signal(how)
        p.wait(30)
        self.procs.remove(p)

    def finish(self):
        for p in reversed(self.procs):
            p.kill()
            p.wait()


def said(p):
    p.log.seek(0)
    return p.log.read()


def await_true(check, what, seconds=20):
    end = time.monotonic() + seconds * PATIENT
    while True:
        value = check()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds * PATIENT} s")
        time.sleep(0.2)


def browse(service):
    """{name: (port, txt)} of what is resolved now."""
    out = subprocess.run(["avahi-browse", "-rptk", service], capture_output=True, text=True,
                         timeout=30, check=False).stdout
    rows = (line.split(";") for line in out.splitlines() if line.startswith("="))
    return {r[3]: (r[8], r[9]) for r in rows}


def await_named(service, name, present=True):
    return await_true(lambda: (name in browse(service)) == present, f"{name} {present}")


def cases(bed):
    host = bed.publish("front room!")

    def without_bus():
        await_true(lambda: "no avahi-daemon" in said(host), "a line about the missing daemon")
        assert host.poll() is None
        # Once, not at every try.
        time.sleep(1)
        assert said(host).count("no avahi-daemon") == 1, said(host)

    def daemon_appears():
        bed.start_bus()
        bed.avahi = bed.start_avahi()
        await_named("_nvstream._tcp", "front-room")
        port, txt = browse("_nvstream._tcp")["front-room"]
        assert (port, txt) == ("47989", ""), (port, txt)
        port, txt = browse("_punktfunk._udp")["front-room"]
        assert port == "4242" and set(txt.split()) == {'"v=1"', '"fp=aa"'}, (port, txt)

    def daemon_restarts():
        bed.stop(bed.avahi)
        bed.avahi = bed.start_avahi()
        await_named("_nvstream._tcp", "front-room")

    def name_is_taken():
        second = bed.publish("front room", "48989")
        await_named("_nvstream._tcp", "front-room-2")
        assert "front-room" in browse("_nvstream._tcp")
        bed.stop(second)
        await_named("_nvstream._tcp", "front-room-2", present=False)

    def host_goes():
        bed.stop(host)
        await_named("_nvstream._tcp", "front-room", present=False)
        assert host.returncode == 0

    tests = [without_bus, daemon_appears, daemon_restarts, name_is_taken, host_goes]
    return tests + host_cases(bed)


def host_cases(bed):
    """A real host, and the probe that looks for it."""
    place = {}

    def name():
        return os.uname().nodename.split(".")[0]

    def serves():
        place["host"] = bed.start_host()
        await_named("_punktfunk._udp", name())
        port, txt = browse("_punktfunk._udp")[name()]
        txt = dict(w.split("=", 1) for w in txt.strip('"').split('" "'))
        assert port == "9777", port
        assert set(txt) - {"mac"} == {"proto", "fp", "pair", "id", "mgmt", "os"}, txt
        assert txt["proto"] == "punktfunk/1" and txt["pair"] == "required", txt
        assert txt["fp"] == place["host"].words["fingerprint"] and txt["mgmt"] == "47990", txt
        assert txt["os"].startswith("linux"), txt
        assert name() not in browse("_nvstream._tcp")
        place["id"] = txt["id"]

    def probe_finds():
        h = bed.discover()[name()]
        assert h["id"] == place["id"] and h["port"] == 9777 and h["mgmt_port"] == 47990, h
        assert h["fingerprint"] == place["host"].words["fingerprint"], h
        assert h["pair"] == "required" and h["known"] is False, h
        # One host, with the addresses of both interfaces.
        assert h["addresses"][:2] == ["10.77.0.1", "10.78.0.1"], h
        kept = bed.folder / "punktfunk-probe" / "known_hosts"
        kept.write_text(f"elsewhere 9777 {h['fingerprint']}\n")
        assert bed.discover()[name()]["known"] is True

    def probe_needs_no_daemon_to_listen():
        bed.stop(bed.avahi)
        assert bed.discover("--timeout", "1", code=2) == {}
        bed.avahi = bed.start_avahi()
        # It waits for who comes, too: the host is announced again by itself.
        await_true(lambda: name() in subprocess.run(
            [PROBE, "discover", "--timeout", "3"], text=True, capture_output=True,
            timeout=60, check=False).stdout, "the host after the daemon's restart")

    def key_and_id_stay():
        before = bed.discover()[name()]
        bed.stop(place["host"])
        await_named("_punktfunk._udp", name(), present=False)
        place["host"] = bed.start_host("--trust-on-first-use=yes", "--mgmt-bind", "127.0.0.1")
        await_named("_punktfunk._udp", name())
        after = bed.discover()[name()]
        assert after == {**before, "pair": "optional", "mgmt_port": 0}, (before, after)

    def off_means_off():
        bed.stop(place["host"])
        await_named("_punktfunk._udp", name(), present=False)
        place["host"] = bed.start_host("--discovery=no")
        time.sleep(2)
        assert browse("_punktfunk._udp") == {}
        bed.stop(place["host"])

    if PROBE:
        return [serves, probe_finds, probe_needs_no_daemon_to_listen, key_and_id_stay, off_means_off]
    return [serves, off_means_off]


def main():
    if not os.environ.get("PF_INSIDE"):
        enter_namespaces()
    with tempfile.TemporaryDirectory(prefix="pf-mdns-") as folder:
        bed = Bed(pathlib.Path(folder))
        failed = False
        try:
            tests = cases(bed)
            print(f"1..{len(tests)}", flush=True)
            for i, test in enumerate(tests, 1):
                try:
                    test()
                    print(f"ok {i} - {test.__name__}", flush=True)
                except (AssertionError, subprocess.SubprocessError, KeyError) as e:
                    failed = True
                    print(f"not ok {i} - {test.__name__}\n# {e!r}", flush=True)
        finally:
            bed.finish()
    return 1 if failed else 0


sys.exit(main())
