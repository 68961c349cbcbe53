#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""punktfunk-host from the outside: every bad input has its exit code and words
that name cause and remedy; signals, ready line and report do what they say.

usage: host_cli.py PUNKTFUNK-HOST. Prints TAP."""
import json
import os
import pathlib
import signal
import socket
import subprocess

import host_bed
from host_bed import HOST, PATIENCE, ROOT, USER, Place, Server, until


def expect(result, code, *words):
    said = result.stdout + result.stderr
    assert result.returncode == code, f"exit {result.returncode}, not {code}: {said}"
    for w in words:
        assert w in said, f"does not say {w!r}: {said}"


def usage_errors():
    with Place() as p:
        expect(p.run("sevre"), 2, '"sevre"', "help")
        expect(p.run("serve", "--prot", "1"), 2, "--prot", "--help")
        expect(p.run("serve", "--port"), 2, "--port", "value")
        expect(p.run("serve", "extra"), 2, "extra")
        expect(p.run("serve", "--set", "port"), 2, "KEY=VALUE")
        expect(p.run("serve", "--ready-fd", "77"), 2, "77")
        expect(p.run("help", "nothing"), 2, "nothing")
        r = p.run("help", "serve")
        expect(r, 0, "--desk-keep-alive-s", "--report")
        expect(p.run("version"), 0, "punktfunk-host")


def settings_errors():
    with Place() as p:
        expect(p.run("check"), 0, "in order")
        (p.config / "host.conf").write_text("port = 1\n\nporte = 2\n")
        p.own()
        expect(p.run("check"), 0, "host.conf:3", "porte", "warning")
        (p.config / "host.conf.d").mkdir()
        (p.config / "host.conf.d" / "10-x.conf").write_text("port = 70000\n")
        p.own()
        for command in (["check"], ["serve"], ["serve", "--check-config"], ["config"]):
            expect(p.run(*command), 3, "10-x.conf:1", "error", "0 to 65535")
        expect(subprocess.run([HOST, "--check-config", "--config", "/nowhere/x.conf"]
                              + (["--user", USER.pw_name] if ROOT else []),
                              env=p.env, text=True, capture_output=True), 3, "/nowhere/x.conf")
        expect(p.run("check", "--set", "fec_percent=91", "--config", "/dev/null"), 3)
        (p.dir / "own.conf").write_text("max_sessions = 3\n")
        p.own()
        expect(p.run("config", "--config", str(p.dir / "own.conf"), "--audio=no"), 0,
               "max_sessions = 3", "audio = no", "port = 9777")
        expect(p.run("check", "--config", str(p.dir / "own.conf"), "--fec-percent", "91"), 3,
               "auto or 0 to 90")


def port_in_use():
    with Place() as p, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        port = str(s.getsockname()[1])
        expect(p.run("serve", "--display-backend", "pattern", "--bind-address", "127.0.0.1",
                     "--port", port), 4, port, "in use")
        expect(p.run("serve", "--display-backend", "pattern", "--bind-address", "192.0.2.1",
                     "--port", "0"), 4, "192.0.2.1")


def state_that_cannot_be_used():
    with Place() as p:
        for name in ("state_home", "data_home"):
            os.chmod(p.dir / name, 0o500)
            r = p.run("serve", "--display-backend", "pattern", "--port", "0")
            os.chmod(p.dir / name, 0o700)
            expect(r, 5, name, "XDG")
        expect(p.run("serve", "--display-backend", "pattern", "--port", "0", "--report",
                     "/nowhere/report.json"), 5, "/nowhere/report.json")


def users():
    with Place() as p:
        if ROOT:
            expect(p.run("serve", "--user", "pf-no-such-user"), 6, "pf-no-such-user", "--user")
            expect(p.run("serve", "--user", "root"), 6, "root")
            with Server(p, "--display-backend", "pattern") as s:
                status = pathlib.Path(f"/proc/{s.p.pid}/status").read_text()
                uids = [l for l in status.splitlines() if l.startswith("Uid:")][0].split()[1:]
                assert uids == [str(USER.pw_uid)] * 4, uids
                caps = [l for l in status.splitlines() if l.startswith("CapEff:")][0].split()[1]
                assert int(caps, 16) == 0, caps
                assert s.words()["user"] == USER.pw_name
        else:
            expect(p.run("serve", "--user", "root"), 6, "root")


def nothing_to_show_or_encode():
    with Place() as p:
        empty = p.dir / "empty"
        empty.mkdir()
        p.own()
        expect(p.run("serve", "--port", "0", "--display-backend", "wlroots", PATH=str(empty)), 7,
               "sway", "apt-get install")
        expect(p.run("serve", "--port", "0", PATH=str(empty)), 7, "sway")
        expect(p.run("serve", "--port", "0", "--display-backend", "pattern", "--encoder",
                     "nonesuch"), 8, "nonesuch", "encoders")
        r = p.run("displays")
        expect(r, 0, "wlroots", "pattern")
        # libx265 leaks at each close, which is not ours to mend.
        r = p.run("encoders", ASAN_OPTIONS="detect_leaks=0")
        expect(r, 0, "H.264", "yes")


def no_sound_is_no_end():
    with Place() as p:
        empty = p.dir / "empty"
        empty.mkdir()
        p.own()
        with Server(p, "--display-backend", "pattern", PATH=str(empty)) as s:
            assert s.words()["audio"] == "none", s.line
            said = s.stderr()
            assert said.count("streaming without sound") == 1, said
            s.end()


def ready_report_and_signals():
    with Place() as p:
        report = p.dir / "report.json"
        read, write = os.pipe()
        with Server(p, "--display-backend", "pattern", "--trust-on-first-use", "--ready-fd",
                    str(write), "--report", str(report), pass_fds=(write,)) as s:
            os.close(write)
            with os.fdopen(read) as pipe:
                assert pipe.read() == s.line  # and closed after it
            words = s.words()
            assert s.line.startswith("ready ") and int(words["port"]) > 0, s.line
            assert words["display"] == "pattern" and len(words["fingerprint"]) == 64
            assert p.run("fingerprint").stdout.strip() == words["fingerprint"]
            key = p.dir / "data_home" / "punktfunk" / "host.pem"
            assert key.stat().st_mode & 0o777 == 0o600
            assert "who reaches port" in s.stderr()
            report.unlink()
            s.p.send_signal(signal.SIGUSR1)
            until(report.exists, "the report")
            (p.config / "host.conf").write_text("max_sessions = 9\nport = 1\n")
            p.own()
            s.p.send_signal(signal.SIGHUP)
            until(lambda: "read anew" in s.stderr(), "the reload")
            (p.config / "host.conf").write_text("max_sessions = 900\n")
            p.own()
            s.p.send_signal(signal.SIGHUP)
            until(lambda: "stay as they were" in s.stderr(), "the refused reload")
            s.end(signal.SIGINT)
        data = json.loads(report.read_text())
        assert data["display_backend"] == "pattern" and data["sessions"] == []
        assert data["user"] == USER.pw_name
        assert not list((p.dir / "runtime_dir").iterdir())


def log_lines_for_machines():
    with Place() as p:
        with Server(p, "--display-backend", "pattern", "--trust-on-first-use", "--log-format",
                    "json") as s:
            line = json.loads(s.stderr().splitlines()[0])
            assert line["level"] == "warn" and line["topic"] == "serve" and line["time"] > 1e9
            s.end()


host_bed.main([usage_errors, settings_errors, port_in_use, state_that_cannot_be_used, users,
         nothing_to_show_or_encode, no_sound_is_no_end, ready_report_and_signals,
         log_lines_for_machines])
