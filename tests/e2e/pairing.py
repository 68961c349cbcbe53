#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Clients of the native plane become known to a host: by PIN, or by a person who lets
them in.

usage: pairing.py PUNKTFUNK-HOST PUNKTFUNK-PROBE. Prints TAP."""
import json
import os
import re
import subprocess
import sys
import time

from host_bed import PATIENCE, Place, Server, main, until

PROBE = sys.argv[2]
COOL_DOWN = 2.05  # seconds between attempts, and a little


def serve(place, *args):
    s = Server(place, "--display-backend", "pattern", "--audio=no", *args)
    assert s.line.startswith("ready "), s.stderr()
    return s


class Device:
    """A machine with a client on it."""

    def __init__(self, place, name):
        self.name = name
        self.home = place.dir / ("device-" + name)
        self.home.mkdir()
        self.env = {**os.environ, "XDG_DATA_HOME": str(self.home)}

    def argv(self, command, server, *args):
        return [PROBE, command, "127.0.0.1:" + server.words()["port"], "--name", self.name, *args]

    def probe(self, command, server, *args):
        return subprocess.run(self.argv(command, server, *args), env=self.env, text=True,
                              capture_output=True, timeout=PATIENCE, stdin=subprocess.DEVNULL)

    def pair(self, server, pin):
        """The close code, or None when it paired."""
        r = self.probe("pair", server, "--pin", pin, "--json")
        said = json.loads(r.stdout)
        assert (r.returncode == 0) == said["paired"] and r.returncode in (0, 3), r
        if said["paired"]:
            assert said["host_fingerprint"] == server.words()["fingerprint"]
            self.fingerprint = said["fingerprint"]
        return None if said["paired"] else said["close_code"]

    def connect(self, server, *args):
        return self.probe("connect", server, "--frames", "3", "--quiet", *args)


def ok(result):
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def arm(place, *args):
    return re.search(r"^PIN (\d{4})$", ok(place.run("arm", *args)), re.M).group(1)


def other(pin):
    return "%04d" % ((int(pin) + 1) % 10000)


def the_right_pin():
    with Place() as p, serve(p) as s:
        phone = Device(p, "phone")
        r = phone.connect(s)
        assert r.returncode == 1 and "pair first" in r.stderr, r
        waiting = subprocess.Popen(p.argv("arm", "--wait"), env=p.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        pin = waiting.stdout.readline().split()[1]
        assert phone.pair(s, pin) is None
        out, err = waiting.communicate(timeout=PATIENCE)
        assert waiting.returncode == 0 and "paired: phone" in out, out + err
        assert (phone.home / "punktfunk-probe" / "identity.pem").stat().st_mode & 0o777 == 0o600
        ok(phone.connect(s))
        # The host keeps it over a restart; others stay outside.
        s.end()
        with serve(p, "--port", s.words()["port"]) as again:
            assert again.words()["port"] == s.words()["port"]
            ok(phone.connect(again))
            r = Device(p, "stranger").connect(again, "--trust-first", "--timeout", "3")
            assert r.returncode == 2 and "approval" in r.stderr, r
            ok(p.run("unpair", "phone"))
            assert phone.connect(again, "--timeout", "3").returncode == 2
            again.end()


def a_wrong_pin_is_one_guess():
    with Place() as p, serve(p) as s:
        phone = Device(p, "phone")
        waiting = subprocess.Popen(p.argv("arm", "--wait"), env=p.env, text=True,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        pin = waiting.stdout.readline().split()[1]
        assert phone.pair(s, other(pin)) == 0x01
        out, err = waiting.communicate(timeout=PATIENCE)
        assert waiting.returncode == 1 and "another PIN" in err, out + err
        time.sleep(COOL_DOWN)
        assert phone.pair(s, pin) == 0x60
        assert "no client is paired" in ok(p.run("clients"))
        s.end()


def not_armed_and_too_early():
    with Place() as p, serve(p) as s:
        phone = Device(p, "phone")
        assert phone.pair(s, "1234") == 0x60
        pin = arm(p)
        assert phone.pair(s, pin) == 0x62
        time.sleep(COOL_DOWN)
        assert phone.pair(s, pin) is None
        s.end()


def armed_for_another_device():
    with Place() as p, serve(p) as s:
        phone, tablet = Device(p, "phone"), Device(p, "tablet")
        assert phone.pair(s, arm(p)) is None
        pin = arm(p, "--device", phone.fingerprint)
        time.sleep(COOL_DOWN)
        assert tablet.pair(s, pin) == 0x61
        assert "PIN " + pin in ok(p.run("arm", "status"))
        time.sleep(COOL_DOWN)
        assert phone.pair(s, pin) is None
        assert "no PIN" in ok(p.run("arm", "status"))
        s.end()


def armings_end():
    with Place() as p, serve(p) as s:
        phone = Device(p, "phone")
        pin = arm(p, "--ttl", "1")
        until(lambda: "no PIN" in ok(p.run("arm", "status")), "the arming ends")
        assert phone.pair(s, pin) == 0x60
        pin = arm(p, "--ttl", "0")
        assert "within" not in ok(p.run("arm", "status"))
        ok(p.run("disarm"))
        time.sleep(COOL_DOWN)
        assert phone.pair(s, pin) == 0x60
        s.end()


def terms_of_the_pin():
    with Place() as p, serve(p) as s:
        phone = Device(p, "phone")

        def listed():
            return ok(p.run("clients"))
        pin = arm(p, "--grants", "pointer,keyboard", "--expires", "2099-01-31T12:00:00Z")
        assert phone.pair(s, pin) is None
        assert "pointer,keyboard until 2099-01-31T12:00:00Z" in listed()
        time.sleep(COOL_DOWN)
        # Pairing anew keeps them, unless the PIN says otherwise.
        assert phone.pair(s, arm(p)) is None
        assert "pointer,keyboard until 2099" in listed()
        time.sleep(COOL_DOWN)
        assert phone.pair(s, arm(p, "--grants", "all", "--expires", "never")) is None
        assert "until" not in listed() and " all" in listed()
        s.end()


def pending(place):
    return ok(place.run("pending"))


def request_number(place, name):
    until(lambda: re.search(rf"^\d+ .* {name} .*, waits$", pending(place), re.M), f"{name} asks")
    return re.search(rf"^(\d+) .* {name} ", pending(place), re.M).group(1)


def asked(device, server):
    return subprocess.Popen(device.argv("request", server, "--trust-first", "--json"),
                            env=device.env, text=True, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def answer(process):
    out, _ = process.communicate(timeout=PATIENCE)
    return process.returncode, json.loads(out)


def a_person_lets_in():
    with Place() as p, serve(p) as s:
        phone, tablet = Device(p, "phone"), Device(p, "tablet")
        assert "no client asks" in pending(p)
        r = phone.probe("request", s)
        assert r.returncode == 1 and "--trust-first" in r.stderr, r
        waiting = asked(phone, s), asked(tablet, s)
        numbers = request_number(p, "phone"), request_number(p, "tablet")
        assert "let in: desk toy" in ok(p.run("approve", numbers[0], "--name", "desk toy",
                                              "--grants", "pointer"))
        code, said = answer(waiting[0])
        assert code == 0 and said["allowed"] and said["grants"] == 2, said
        ok(p.run("deny", numbers[1]))
        assert answer(waiting[1]) == (3, {"allowed": False, "close_code": 0x64})
        assert "no client asks" in pending(p)
        assert "desk toy" in ok(p.run("clients"))
        for command in ("approve", "deny"):
            r = p.run(command, numbers[0])
            assert r.returncode == 1 and "no such client" in r.stderr, r
            assert p.run(command, "phone").returncode == 2
        ok(phone.connect(s))
        # Who asks again takes its own older request's place.
        first = asked(tablet, s)
        number = request_number(p, "tablet")
        second = asked(tablet, s)
        assert answer(first) == (3, {"allowed": False, "close_code": 0x66})
        assert request_number(p, "tablet") == number
        # A PIN lets in who waits, too.
        assert tablet.pair(s, arm(p)) is None
        assert answer(second)[0] == 0
        s.end()


if __name__ == "__main__":
    main([the_right_pin, a_wrong_pin_is_one_guess, not_armed_and_too_early,
          armed_for_another_device, armings_end, terms_of_the_pin, a_person_lets_in])
