#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""mDNS through a real Avahi daemon, on a bus and a network of its own.

usage: discovery.py PUBLISH
PUBLISH is the program of publish.c. Needs root for the namespaces. Prints TAP."""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time

PUBLISH = sys.argv[1]
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
allow-interfaces=pfveth0
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
                          sys.executable, __file__, PUBLISH])


class Bed:
    def __init__(self, folder):
        self.folder = folder
        self.bus = folder / "bus"
        self.procs = []
        subprocess.run(
            "mount -t tmpfs none /run && ip link set lo up && ip link add pfveth0 type veth peer name pfveth1 && "
            "ip link set pfveth1 up && "
            "ip addr add 10.77.0.1/24 dev pfveth0 && ip link set pfveth0 up multicast on && "
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

    return [without_bus, daemon_appears, daemon_restarts, name_is_taken, host_goes]


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
