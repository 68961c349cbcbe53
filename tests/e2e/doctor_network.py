#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""punktfunk-host doctor on machines that are really broken: ports, addresses,
firewalls, mDNS. Each
cause is made, found, and where that can be done here mended by the very command that
the doctor names.

usage: doctor_network.py PUNKTFUNK-HOST BUS-NAMES. Prints TAP."""
import os
import socket
import sys
import time

from doctor_bed import NO_BUS, Room, expect, here, user_run
from host_bed import Place, Server, Skip, main

BUS_NAMES = os.path.abspath(sys.argv[2])


def free_port(kind=socket.SOCK_DGRAM):
    with socket.socket(socket.AF_INET, kind) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


# ---- network ----

def ports_that_are_taken():
    with Place() as p:
        def network(*args):
            return here(p, "--only", "network", "--bind-address", "127.0.0.1", *args)

        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
            (p.config / "host.conf").write_text(f"port = {port}\n")
            p.own()
            taken = expect(network()["network.port"], "fail", f"UDP {port}", "python3", str(os.getpid()))
            user_run(p, taken["command"])
            expect(network()["network.port"], "ok", "free")
        with socket.create_server(("127.0.0.1", 0)) as s:
            port = s.getsockname()[1]
            found = network("--mgmt-port", str(port))
            expect(found["network.mgmt_port"], "fail", f"TCP {port}", command="mgmt_port")
            found = network("--gamestream", "--gamestream-port", str(port - 21))
            expect(found["network.gamestream_port"], "fail", f"TCP {port} by python3", command="gamestream_port")
        found = network("--data-port", str(free_port()))
        expect(found["network.data_port"], "ok", "free")


def ports_of_the_running_host():
    with Place() as p:
        port, mgmt = free_port(), free_port(socket.SOCK_STREAM)
        options = ("--port", str(port), "--mgmt-port", str(mgmt))
        with Server(p, *options) as server:
            assert server.line.startswith("ready"), server.stderr()
            checks = here(p, "--only", "network", *options)
            expect(checks["network.port"], "ok", "running host")
            expect(checks["network.mgmt_port"], "ok", "running host")
            # With a host that serves, a setting is changed by asking it.
            checks = here(p, "--only", "trust", "--trust-on-first-use")
            expect(checks["trust.first_use"], "fail", command="punktfunk-host settings trust_on_first_use no")
            server.end()
        expect(here(p, "--only", "network", *options)["network.port"], "ok", "free")


def addresses_and_interfaces():
    with Place() as p:
        (p.config / "host.conf").write_text("bind_address = 203.0.113.7\nmgmt_bind = nowhere\n")
        p.own()
        checks = here(p, "--only", "network")
        wrong = expect(checks["network.bind"], "fail", "203.0.113.7", "does not have")
        nowhere = expect(checks["network.mgmt_bind"], "fail", "no IPv4 or IPv6 address")
        user_run(p, wrong["command"])
        user_run(p, nowhere["command"])
        checks = here(p, "--only", "network")
        expect(checks["network.bind"], "ok")
        expect(checks["network.mgmt_bind"], "ok")
        checks = here(p, "--only", "network", "--bind-address", "127.0.0.1")
        expect(checks["network.bind"], "warn", "only clients on this machine")
        checks = here(p, "--only", "network", "--gamestream", "--bind-address", "::")
        assert checks["network.bind_gamestream"]["state"] == "fail", checks
        with Room(p) as room:
            checks = room.doctor("--only", "network")
            expect(checks["network.interfaces"], "fail", "no network")
            low = expect(room.doctor("--only", "network", "--port", "80")["network.port"], "fail", "the system's")
            room.mend(low)
            expect(room.doctor("--only", "network", "--port", "80")["network.port"], "ok")
            room.sh("ip link set lo down")
            dead = expect(room.doctor("--only", "network")["network.gso"], "fail", "loopback")
            room.mend(dead)
            expect(room.doctor("--only", "network")["network.gso"], "ok")
            room.sh("ip link add pfa0 type veth peer name pfa1; ip link set pfa1 up")
            room.sh("ip link del pfa0; ip link add pfa0 type veth peer name pfa1")
            off = expect(room.doctor("--only", "network")["network.interfaces"], "fail", "switched off")
            room.mend(off)
            bare = expect(room.doctor("--only", "network")["network.interfaces"], "fail", "no address")
            assert "dhclient" in bare["command"] or "nmcli" in bare["command"], bare
            room.sh("ip link set pfa0 up; ip addr add 10.9.8.7/24 dev pfa0")
            expect(room.doctor("--only", "network")["network.interfaces"], "ok", "pfa0 10.9.8.7")


def firewalls():
    with Place() as p, Room(p) as room:
        def wall(*args, **env):
            return room.doctor("--only", "network", "--port", "9777", *args, **{**NO_BUS, **env})["network.firewall"]

        if room.sh("test -x /usr/sbin/nft", check=False).returncode:
            raise Skip("nft is not installed (nftables)")
        if room.sh("nft add table inet filter && nft add chain inet filter input "
                   "'{ type filter hook input priority 0; policy drop; }'", check=False).returncode:
            raise Skip("this kernel has no nftables")
        room.sh("nft add rule inet filter input iifname lo accept; "
                "nft add rule inet filter input ct state established,related accept")
        closed = expect(wall(), "fail", "inet filter input", "UDP 9777", command="nft insert rule")
        room.mend(closed)
        expect(wall(), "ok", "UDP 9777")
        moonlight = ("--gamestream", "--gamestream-port", "47989")
        closed = expect(wall(*moonlight), "fail", "TCP 47989", "UDP 47998")
        assert "UDP 9777" not in closed["cause"], closed
        room.mend(closed)
        expect(wall(*moonlight), "ok", "TCP 48010")
        # What a user sees without root.
        expect(room.as_user("--only", "network", "--port", "9777", **NO_BUS)["network.firewall"],
               "skip", "root alone", command="sudo punktfunk-host doctor")
        # ufw, by its files.
        room.sh("mkdir -p /etc/ufw; printf '# on\\nENABLED=yes\\n' >/etc/ufw/ufw.conf; "
                "printf '\\nDEFAULT_INPUT_POLICY=\"DROP\"\\n' >/etc/default/ufw; "
                "echo '### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in' >/etc/ufw/user.rules; "
                "chmod 640 /etc/ufw/user.rules")
        expect(wall(), "fail", "ufw", "UDP 9777", command="sudo ufw allow 9777/udp")
        room.sh("echo '### tuple ### allow udp 9000:9999 0.0.0.0/0 any 0.0.0.0/0 in' >>/etc/ufw/user.rules")
        expect(wall(), "ok", "ufw")
        room.sh("rm /etc/ufw/ufw.conf")
        with room.bus(BUS_NAMES, "firewalld=47984/tcp,") as bus:
            shut = expect(wall(DBUS_SYSTEM_BUS_ADDRESS=bus), "fail", "zone public", "UDP 9777")
            assert "firewall-cmd --add-port=9777/udp" in shut["command"], shut
        with room.bus(BUS_NAMES, "firewalld=9777/udp,") as bus:
            expect(wall(DBUS_SYSTEM_BUS_ADDRESS=bus), "ok", "zone public")
        with room.bus(BUS_NAMES, "firewalld-denies") as bus:
            expect(wall(DBUS_SYSTEM_BUS_ADDRESS=bus), "warn", "does not tell")


def being_found():
    with Place() as p, Room(p) as room:
        def mdns(*args, **env):
            return room.doctor("--only", "network", *args, **env)["network.mdns"]

        if room.sh("test -x /usr/sbin/avahi-daemon", check=False).returncode:
            raise Skip("avahi-daemon is not installed")
        expect(mdns("--discovery=no"), "skip", "off")
        expect(mdns(**NO_BUS), "warn", "D-Bus does not answer")
        with room.bus(BUS_NAMES) as bus:
            expect(mdns(DBUS_SYSTEM_BUS_ADDRESS=bus), "warn", "does not run", command="avahi-daemon")
        with room.bus(BUS_NAMES, "avahi") as bus:
            expect(mdns(DBUS_SYSTEM_BUS_ADDRESS=bus), "ok")
        # A bus that takes the call and never answers.
        path = p.dir / "mute"
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(path))
            s.listen(8)
            os.chmod(path, 0o777)
            begin = time.monotonic()
            expect(mdns(DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={path}"), "warn", "does not answer")
            assert time.monotonic() - begin < 30
        room.sh("rm /usr/sbin/avahi-daemon")
        expect(mdns(**NO_BUS), "warn", "not installed", command="apt-get install avahi-daemon")


main([ports_that_are_taken, ports_of_the_running_host, addresses_and_interfaces, firewalls, being_found])
