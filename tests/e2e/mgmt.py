#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The management API and the commands that use it, on a serving host.

usage: mgmt.py PUNKTFUNK-HOST PUNKTFUNK-PROBE. Prints TAP."""
import hashlib
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import threading
import time

from host_bed import PATIENCE, Place, main, until
from mgmt_bed import FP, Api, expect, host, put_client


# ---- tests ----

def row4_no_other_origin_enters_a_pin():
    """gamestream.md 11 row 4: cross-site request forgery, open routes, forms."""
    with Place() as p, host(p) as s:
        api = Api(p, s)
        app = {"title": "evil", "command": "evil"}
        api.expect(403, "POST", "/apps", app, Origin="https://evil.example")
        api.expect(403, "POST", "/apps", app, Origin="null")
        api.expect(403, "POST", "/apps", app, Sec_Fetch_Site="cross-site")
        api.expect(403, "POST", "/apps", app, Host="evil.example")
        api.expect(403, "GET", "/health", Host=f"evil.example:{api.port}")
        api.expect(415, "POST", "/apps", app, Content_Type="text/plain")
        api.expect(415, "POST", "/apps", app, Content_Type="application/x-www-form-urlencoded")
        api.expect(401, "POST", "/apps", app, token=False)
        api.expect(401, "POST", "/pair/pin", {"pin": "1234"}, token=False)
        # The token works in no other place.
        for name in ("token", "session", "Authorization"):
            api.expect(401, "GET", "/status", token=False, Cookie=f"{name}={api.token}")
        c = http.client.HTTPSConnection("127.0.0.1", api.port, context=api.context)
        c.request("GET", "/api/v1/status?token=" + api.token)
        r = c.getresponse()
        assert r.status == 401, r.status
        r.read()
        # Nothing invites a page in, or into a frame, and nothing is set for later.
        for answer in (api.expect(200, "GET", "/status"), api.ask("OPTIONS", "/apps",
                                                                  Origin="https://evil.example")):
            assert answer
            names = {k.lower() for k in api.headers.keys()}
            assert "set-cookie" not in names and not any("access-control" in n for n in names)
            assert api.headers["X-Frame-Options"] == "DENY"
        own = f"https://127.0.0.1:{api.port}"
        api.expect(200, "GET", "/apps", Origin=own)
        assert len(api.expect(200, "GET", "/apps")["apps"]) == 1
        s.end()


def row4_listens_on_loopback_only():
    with Place() as p, host(p) as s:
        port = Api(p, s).port
        listening = [l.split()[1] for f in ("tcp", "tcp6")
                     for l in pathlib.Path(f"/proc/net/{f}").read_text().splitlines()[1:]
                     if l.split()[3] == "0A" and l.split()[1].endswith(f":{port:04X}")]
        assert listening == [f"0100007F:{port:04X}"], listening
        s.end()


def row5_plain_http_gets_nothing():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        with socket.create_connection(("127.0.0.1", api.port), timeout=PATIENCE) as c:
            c.sendall(f"GET /api/v1/health HTTP/1.1\r\nHost: localhost:{api.port}\r\n\r\n".encode())
            said = b""
            try:
                while part := c.recv(4096):
                    said += part
            except ConnectionError:
                pass
            assert b"HTTP" not in said and b"ok" not in said, said
        api.expect(200, "GET", "/health")
        s.end()


def certificate_and_files():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        state = p.dir / "state_home" / "punktfunk"
        with api.connect() as c:
            der = c.getpeercert(binary_form=True)
            assert hashlib.sha256(der).hexdigest() == s.words()["fingerprint"]
        for name in ("mgmt-token", "mgmt.json"):
            assert (state / name).stat().st_mode & 0o777 == 0o600
        told = json.loads((state / "mgmt.json").read_text())
        assert told["port"] == api.port and told["fingerprint"] == s.words()["fingerprint"]
        assert told["pid"] == s.p.pid
        s.end()
        assert not (state / "mgmt.json").exists() and (state / "mgmt-token").exists()


def hostile_requests():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        api.expect(413, "POST", "/apps", raw=b" " * 65537)
        # Its length unsaid.
        c = api.connect()
        c.sendall((f"POST /api/v1/apps HTTP/1.1\r\nHost: localhost:{api.port}\r\n"
                   f"Authorization: Bearer {api.token}\r\nContent-Type: application/json\r\n"
                   "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n").encode())
        for _ in range(17):
            c.sendall(b"1000\r\n" + b" " * 4096 + b"\r\n")
        c.sendall(b"0\r\n\r\n")
        assert c.recv(4096).startswith(b"HTTP/1.1 413"), "chunked"
        c.close()
        for raw in (b"", b"{", b"[" * 60000, b"\xff", b"null", b'{"title": "\\u0000"}',
                    b'{"title": "a", "title": "b"}', b'{"title": 1e999}'):
            api.expect(400, "POST", "/apps", raw=raw)
        api.expect(400, "GET", "/status", Host="localhost", host="evil.example")
        for head in (b"GET / HTTP/1.1\r\n\r\n", b"GET /" + b"a" * 40000 + b" HTTP/1.1\r\n\r\n",
                     b"\0" * 1000, b"GET /api/v1/health HTTP/1.1\r\n" + b"X: y\r\n" * 20000):
            c = api.connect()
            try:
                c.sendall(head)
                c.settimeout(5)
                said = c.recv(100)
                assert not said.startswith(b"HTTP/1.1 200"), said
            except OSError:
                pass
            finally:
                c.close()
        api.expect(200, "GET", "/health")
        s.end()


def slow_clients_are_dropped():
    """Row 22: who drips or says nothing does not hold a place for ever."""
    with Place() as p, host(p) as s:
        api = Api(p, s)
        silent = socket.create_connection(("127.0.0.1", api.port))
        drip = api.connect()
        drip.settimeout(0.5)
        ended, begin = False, time.monotonic()
        while not ended and time.monotonic() < begin + PATIENCE:
            try:
                drip.sendall(b"X")
                ended = not drip.recv(100)
            except TimeoutError:
                pass
            except OSError:
                ended = True
        assert ended, "a dripping request went on"
        assert time.monotonic() - begin > 5
        silent.settimeout(PATIENCE)
        try:
            while silent.recv(100):  # at most TLS's own goodbye
                pass
        except ConnectionError:
            pass
        api.expect(200, "GET", "/health")
        s.end()


def many_at_once_and_an_end_amid_them():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        wrong, done = [], []
        stop = threading.Event()

        def work():
            while not stop.is_set():
                try:
                    status, _ = Api(p, s).ask("GET", "/status")
                    (done if status == 200 else wrong).append(status)
                except (OSError, http.client.HTTPException) as e:
                    if not stop.is_set():
                        wrong.append(repr(e))

        threads = [threading.Thread(target=work) for _ in range(16)]
        for t in threads:
            t.start()
        until(lambda: len(done) > 200 or wrong, "200 answers")
        stop.set()  # from now on a refusal is right
        s.end()
        for t in threads:
            t.join()
        assert not [w for w in wrong if w != 503], wrong[:3]


def commands_speak_to_the_host():
    with Place() as p:
        for command in (["status"], ["pair", "1234"], ["clients"], ["unpair", "x"], ["apps"]):
            expect(p.run(*command), 1, "runs for this user", "punktfunk-host serve")
        put_client(p)
        with host(p) as s:
            expect(p.run("status"), 0, "user " + s.words()["user"], s.words()["fingerprint"],
                   "1 paired")
            assert json.loads(p.run("status", "--json").stdout)["clients"] == 1
            number = expect(p.run("apps", "add", "Föö bar", "--command", "foot", "--workdir", "/tmp",
                                  "--on-exit", "stay", "--detached"), 0).strip()
            expect(p.run("apps"), 0, "Desktop", number, "Föö bar", "foot")
            app = json.loads((p.config / "apps.json").read_text())["apps"][0]
            assert app["detached"] and app["on_exit"] == "stay" and app["workdir"] == "/tmp"
            expect(p.run("apps", "add", "x", "--workdir", "here"), 1, "workdir", "absolute")
            expect(p.run("apps", "remove", "Föö bar"), 0)
            expect(p.run("apps", "remove", number), 1, "no app")
            expect(p.run("apps", "remove", "Desktop"), 1, "built in")
            expect(p.run("clients"), 0, FP[:16], "roth", "2026-01-02T03:04:05Z")
            expect(p.run("clients", "set", "roth", "--name", "Sofa", "--grants",
                         "pointer,keyboard", "--expires", "2099-01-01T00:00:00Z"), 0)
            expect(p.run("clients"), 0, "Sofa", "pointer,keyboard until 2099")
            expect(p.run("clients", "set", "Sofa", "--grants", "root"), 1, "grants")
            expect(p.run("unpair", "roth"), 1, "no client")
            expect(p.run("unpair", FP[:8].upper()), 0, "unpaired")
            expect(p.run("clients"), 0, "no client is paired")
            expect(p.run("pair"), 0, "no client waits")
            expect(p.run("pair", "1234"), 1, "--gamestream")
            for usage in (["apps", "bogus"], ["clients", "set", "x"], ["unpair"], ["pair", "1", "2"],
                          ["pair", "1234", "--request", "x"], ["status", "x"]):
                expect(p.run(*usage), 2)
            for command in ("pair", "clients", "unpair", "apps", "status"):
                expect(p.run(command, "--help"), 0, "usage: punktfunk-host " + command, "--user")
                expect(p.run("help", command), 0, "usage: punktfunk-host " + command)
            s.end()


def a_client_launches_what_the_catalogue_has():
    with Place() as p, host(p, "--trust-on-first-use") as s:
        seen = p.dir / "data_home" / "seen"
        number = expect(p.run("apps", "add", "Once", "--command",
                              f"echo here >>{seen}; sleep 1"), 0).strip()

        def connect(app):
            return subprocess.run(
                [sys.argv[2], "connect", "127.0.0.1:" + s.words()["port"], "--trust-first",
                 "--mode", "640x360@30", "--launch", app, "--json"],
                env={**os.environ, "XDG_DATA_HOME": str(p.dir / "device")}, text=True,
                stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE, check=False)

        # It streams until the app is over, which is an ordinary end.
        report = json.loads(expect(connect(number), 0))
        assert report["close_code"] == 0x52 and report["close_text"] == "Once ended", report
        assert seen.read_text() == "here\n"
        expect(connect("77"), 3, 'no app "77"', "punktfunk-host apps")
        s.end()


def ghsa_36ff_pins_go_to_the_one_request_meant():
    with Place() as p, host(p, "--gamestream", "--gamestream-port", "0") as s:
        base = int(s.words()["gamestream"])
        waiting = []

        def get(target):
            c = socket.create_connection(("127.0.0.1", base), timeout=PATIENCE)
            c.sendall(f"GET {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
            return c

        def knock(uniqueid):
            pem = (pathlib.Path(os.environ["PF_SOURCE_ROOT"]) /
                   "tests/fuzz/corpus/crypto_cert/pem").read_bytes()[1:]
            waiting.append(get(f"/pair?uniqueid={uniqueid}&devicename=roth&updateState=1"
                               f"&phrase=getservercert&salt={'00' * 16}&clientcert={pem.hex()}"))

        def pending():
            return json.loads(p.run("status", "--json").stdout)["pair_requests"]

        expect(p.run("pair", "1234"), 1, "no client waits")
        knock("0123456789ABCDEF")
        until(lambda: pending() == 1, "the first request")
        expect(p.run("pair", "list"), 0, "127.0.0.1", "roth")
        knock("FEDCBA9876543210")
        until(lambda: pending() == 2, "the second request")
        said = expect(p.run("pair", "1234"), 1, "REQUEST", "roth")
        numbers = re.findall(r"^(\d+) +127", said, re.M)
        assert len(numbers) == 2, said
        expect(p.run("pair", "1234", "--request", "999999"), 1)
        # The PIN reaches the one; its client gives up, which the command says.
        cli = subprocess.Popen(p.argv("pair", "1234", "--request", numbers[0]), env=p.env, text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert b"plaincert" in waiting[0].recv(16384)
        for uniqueid in ("0123456789ABCDEF", "FEDCBA9876543210"):
            get(f"/unpair?uniqueid={uniqueid}").recv(4096)
        out, err = cli.communicate(timeout=PATIENCE)
        assert cli.returncode == 1 and "did not pair" in err, out + err
        until(lambda: pending() == 0, "no request")
        assert p.run("clients").stdout.startswith("no client")
        s.end()


def what_stands_in_the_way_is_named():
    with Place() as p:
        state = p.dir / "state_home" / "punktfunk"
        with host(p) as s:
            port = s.words()["mgmt"]
            # Another host with these directories, another one with this port.
            expect(p.run("serve", "--display-backend", "pattern", "--port", "0", "--mgmt-port", "0"),
                   5, "another punktfunk-host", str(s.p.pid))
            with Place() as other:
                expect(other.run("serve", "--display-backend", "pattern", "--port", "0",
                                 "--mgmt-port", port), 4, port, "in use", "mgmt_port")
                expect(other.run("serve", "--display-backend", "pattern", "--port", "0",
                                 "--mgmt-bind", "nowhere"), 4, "mgmt_bind", "127.0.0.1")
                with host(other, "--mgmt=no") as quiet:
                    assert quiet.words()["mgmt"] == "0"
                    expect(other.run("status"), 1, "no punktfunk-host")
                    quiet.end()
            token = (state / "mgmt-token").read_text()
            os.chmod(state / "mgmt-token", 0)
            expect(p.run("status"), 1, "mgmt-token", "user of the host")
            os.chmod(state / "mgmt-token", 0o600)
            (state / "mgmt-token").write_text("0" * 64 + "\n")
            expect(p.run("status"), 1, "token")
            (state / "mgmt-token").write_text(token)
            told = (state / "mgmt.json").read_text()
            (state / "mgmt.json").write_text(told.replace(s.words()["fingerprint"], "00" * 32))
            expect(p.run("status"), 1, "another certificate")
            (state / "mgmt.json").write_text(told)
            expect(p.run("status"), 0)
            s.p.send_signal(signal.SIGKILL)
            s.p.wait()
            expect(p.run("status"), 1, "does not answer", "serve")
        with host(p) as s:  # and starts over what the killed one left
            expect(p.run("status"), 0)
            s.end()


main([row4_no_other_origin_enters_a_pin,
      row4_listens_on_loopback_only, row5_plain_http_gets_nothing, certificate_and_files,
      hostile_requests, slow_clients_are_dropped, many_at_once_and_an_end_amid_them,
      commands_speak_to_the_host, a_client_launches_what_the_catalogue_has,
      ghsa_36ff_pins_go_to_the_one_request_meant, what_stands_in_the_way_is_named])
