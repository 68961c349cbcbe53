#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Who gets into the management API and the web console, and who does not: log-ins, client
certificates, the files of the console, another machine. Each advisory of the family (field.md
3.1) that is about web or trust has a test of its name here or in mgmt.py (GHSA-36ff), or, where
it is about pairing with Moonlight clients, of its row of gamestream.md 11 in
tests/unit/gamestream_pairing.c: row 2 is GHSA-3hrw and CVE-2024-45407, row 3 is GHSA-36ff.

usage: mgmt_auth.py PUNKTFUNK-HOST. Prints TAP."""
import contextlib
import datetime
import gzip
import http.client
import json
import os
import re
import socket
import ssl
import tempfile

from host_bed import PATIENCE, Place, Skip, main, until
from mgmt_bed import Api, expect, host

PASSWORD = "correct horse battery"
CHANGE = ("POST", "/apps", {"title": "x"})


# ---- who asks ----

class Browser:
    """As a browser: its cookie, its origin, by whatever name it was told."""

    def __init__(self, api, name="localhost", **more):
        self.api, self.name, self.more = api, name, more
        self.cookie = self.csrf = None

    def headers(self, **change):
        mine = {"Host": f"{self.name}:{self.api.port}", "Origin": f"https://{self.name}:{self.api.port}",
                "Cookie": self.cookie, "X_CSRF_Token": self.csrf, **self.more, **change}
        return {k: v for k, v in mine.items() if v is not None}

    def log_in(self, password=PASSWORD, status=200):
        answer = self.api.expect(status, "POST", "/login", {"password": password}, token=False,
                                 **self.headers(Cookie=None, X_CSRF_Token=None))
        if status == 200:
            self.csrf, self.cookie = answer["csrf"], self.api.headers["Set-Cookie"].split(";")[0]
        return answer

    def expect(self, status, method, path, body=None, **change):
        return self.api.expect(status, method, path, body, token=False, **self.headers(**change))


class From(Api):
    """Asks from another address, or with a certificate."""

    def __init__(self, api, source=None, to="127.0.0.1", identity=None):
        self.__dict__.update(api.__dict__)
        self.source, self.to = source, to
        if identity:
            self.context = identity.context()

    def connect(self):
        raw = socket.create_connection((self.to, self.port), timeout=PATIENCE,
                                       source_address=self.source and (self.source, 0))
        return self.context.wrap_socket(raw)

    def open(self):
        c = http.client.HTTPSConnection(self.to, self.port, timeout=PATIENCE, context=self.context,
                                        source_address=self.source and (self.source, 0))
        return c


class Identity:
    """A key and its certificate, by `issuer` or by itself."""

    def __init__(self, issuer=None, name="punktfunk", years=(2020, 2040)):
        try:
            from cryptography import x509
            from cryptography.hazmat.primitives import hashes, serialization
            from cryptography.hazmat.primitives.asymmetric import ec
        except ImportError as e:
            raise Skip("python3-cryptography is not installed") from e
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        cert = (x509.CertificateBuilder().subject_name(self.subject)
                .issuer_name(issuer.subject if issuer else self.subject)
                .public_key(self.key.public_key()).serial_number(x509.random_serial_number())
                .not_valid_before(datetime.datetime(years[0], 1, 1))
                .not_valid_after(datetime.datetime(years[1], 1, 1))
                .add_extension(x509.BasicConstraints(True, None), True)
                .sign((issuer or self).key, hashes.SHA256()))
        self.pem = cert.public_bytes(serialization.Encoding.PEM) + (issuer.pem if issuer else b"")
        self.secret = self.key.private_bytes(serialization.Encoding.PEM,
                                             serialization.PrivateFormat.PKCS8,
                                             serialization.NoEncryption())
        self.fingerprint = cert.fingerprint(hashes.SHA256()).hex()

    def context(self):
        c = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        c.check_hostname = False
        c.verify_mode = ssl.CERT_NONE
        with tempfile.NamedTemporaryFile() as f:
            f.write(self.secret + self.pem)
            f.flush()
            c.load_cert_chain(f.name)
        return c


def own_address():
    """An address by which the network would reach this machine."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect(("203.0.113.1", 9))
            address = s.getsockname()[0]
        except OSError as e:
            raise Skip("this machine has no address but loopback") from e
    if address.startswith("127."):
        raise Skip("this machine has no address but loopback")
    return address


# ---- one host for most of it ----

PAGES = {"index.html": b"<!doctype html><title>console</title>" + b" " * 1000,
         "assets/app-1a2b.js": b"export {};\n" * 200, "theme.js": b"void 0;\n", "icon.svg": b"<svg/>\n"}


class Bed:
    def __init__(self):
        self.stack = contextlib.ExitStack()
        self.place = self.stack.enter_context(Place())
        console = self.place.dir / "console"
        for name, data in PAGES.items():
            (console / name).parent.mkdir(exist_ok=True, parents=True)
            (console / name).write_bytes(data)
            if len(data) > 100:
                (console / (name + ".gz")).write_bytes(gzip.compress(data))
        (self.place.dir / "secret.txt").write_text("secret")
        (console / ".hidden.txt").write_text("secret")
        (console / "link.txt").symlink_to(self.place.dir / "secret.txt")
        (console / "assets/up").symlink_to(self.place.dir)
        with contextlib.suppress(Skip):
            self.put_clients()
        self.place.own()
        self.server = self.stack.enter_context(
            host(self.place, "--mgmt-bind", "0.0.0.0", "--mgmt-hosts", "desk.example, tv.example",
                 "--mgmt-console", str(console)))
        self.api = Api(self.place, self.server)
        self.file = self.place.dir / "state_home" / "punktfunk" / "mgmt-password"

    def put_clients(self):
        """Identities that are in the list: one as it should be, one whose time is over, one of
        the other plane."""
        self.native, self.late, self.moonlight = Identity(), Identity(), Identity()
        self.listed = Identity()
        path = self.place.dir / "data_home" / "punktfunk"
        path.mkdir(exist_ok=True, mode=0o700)
        more = {self.late: {"expires": "2020-01-02T03:04:05Z"},
                self.moonlight: {"plane": "gamestream"}}
        (path / "clients.json").write_text(json.dumps({"version": 1, "clients": [
            {"plane": "native", "fingerprint": i.fingerprint, "name": "one", "grants": "none",
             "paired": "2020-01-01T03:04:05Z", **more.get(i, {})}
            for i in (self.native, self.late, self.moonlight)]}))
        (self.place.config / "allowed_clients").write_text(self.listed.fingerprint + " none\n")

    def set_password(self):
        self.api.expect(204, "PUT", "/login/password", {"new": PASSWORD})


_bed = None


def bed():
    global _bed
    _bed = _bed or Bed()
    return _bed


def get(api, path, **headers):
    """(status, headers, data) of a file of the console."""
    c = api.open()
    try:
        headers = {k.replace("_", "-"): v for k, v in headers.items()}
        c.putrequest("GET", path, skip_host="Host" in headers, skip_accept_encoding=True)
        for k, v in headers.items():
            c.putheader(k, v)
        c.endheaders()
        r = c.getresponse()
        return r.status, r.headers, r.read()
    finally:
        c.close()


# ---- log-ins ----

def the_console_command_makes_a_password_once():
    b = bed()
    assert b.api.expect(200, "GET", "/login", token=False) == {"signed_in": False, "password_set": False}
    words = b.api.expect(409, "POST", "/login", {"password": "x"}, token=False)
    assert "punktfunk-host console" in words["error"]["message"], words
    said = expect(b.place.run("console"), 0, f"https://localhost:{b.api.port}/", "SHA-256")
    password = re.search(r"^password: ([2-9a-z]{5}(-[2-9a-z]{5}){3})$", said, re.M)[1]
    assert b.file.stat().st_mode & 0o777 == 0o600
    kept = b.file.read_text()
    assert kept.startswith("$argon2id$v=19$m=65536,t=2,p=1$") and password not in kept, kept
    assert b.api.expect(200, "GET", "/login", token=False)["password_set"]
    one = Browser(b.api)
    one.log_in(password)
    one.expect(200, "GET", "/status")
    assert password not in expect(b.place.run("console"), 0, "--new-password")
    one.expect(200, "GET", "/status")
    said = json.loads(expect(b.place.run("console", "--new-password", "--json"), 0))
    assert said["fingerprint"] == b.server.words()["fingerprint"] and said["password"] != password
    one.expect(401, "GET", "/status")  # everybody is logged out
    one.log_in(password, status=401)
    one.log_in(said["password"])
    assert password not in b.server.stderr() and said["password"] not in b.server.stderr()


def a_log_in_opens_and_a_log_out_closes():
    b = bed()
    b.set_password()
    one, two = Browser(b.api), Browser(b.api)
    one.log_in()
    flags = {w.strip().lower() for w in b.api.headers["Set-Cookie"].split(";")[1:]}
    assert flags == {"path=/", "secure", "httponly", "samesite=strict"}, flags
    assert one.cookie.startswith("__Host-punktfunk=") and len(one.cookie) == 17 + 64
    two.log_in()
    assert one.cookie != two.cookie and one.csrf != two.csrf
    assert one.expect(200, "GET", "/login") == {"signed_in": True, "password_set": True, "csrf": one.csrf}
    # Beside the cookies of other pages of this name.
    one.expect(200, "GET", "/status", Cookie=f"a=b; __Host-punktfunk={'0' * 64}; {one.cookie}; c")
    with b.api.listen(token=False, **one.headers()) as events, \
            b.api.listen(token=False, **two.headers()) as others:
        one.expect(201, "POST", "/pair/arm", {})
        assert events.next("pairing.changed") and others.next("pairing.changed")
        one.expect(204, "DELETE", "/login")
        assert events.next() is None
        one.expect(401, "GET", "/status")
        two.expect(204, "DELETE", "/pair/arm")
        assert others.next("pairing.changed")
        # A new password ends all log-ins, and what listens by them.
        two.expect(403, "PUT", "/login/password", {"old": "wrong", "new": PASSWORD})
        two.expect(400, "PUT", "/login/password", {"old": PASSWORD, "new": "short"})
        two.expect(400, "PUT", "/login/password", {"new": PASSWORD})
        two.expect(204, "PUT", "/login/password", {"old": PASSWORD, "new": PASSWORD})
        while others.next():
            pass
    two.expect(401, "GET", "/status")


def tries_are_few():
    b = bed()
    b.set_password()
    here = Browser(From(b.api, source="127.0.0.2"))
    for _ in range(5):
        here.log_in("wrong", status=401)
    for password in ("wrong", PASSWORD):
        answer = here.log_in(password, status=429)
        wait = int(here.api.headers["Retry-After"])
        assert 0 < wait <= 12 and str(wait) in answer["error"]["message"], (wait, answer)
    Browser(b.api).log_in()  # others may
    assert "a wrong password for the console from 127.0.0.2" in b.server.stderr()


def a_password_file_open_to_others_is_not_believed():
    b = bed()
    b.set_password()
    one = Browser(From(b.api, source="127.0.0.3"))
    one.log_in()
    os.chmod(b.file, 0o644)
    assert "--new-password" in one.log_in(status=409)["error"]["message"]
    one.expect(401, "GET", "/status")
    os.chmod(b.file, 0o600)
    one.log_in()
    b.file.unlink()
    one.expect(401, "GET", "/status")
    b.set_password()
    one.log_in()


# ---- advisories: web ----

def ghsa_39hj_a_cookie_alone_changes_nothing():
    """CVE-2025-53095: cross-site request forgery up to running a command."""
    b = bed()
    b.set_password()
    one, two = Browser(b.api), Browser(b.api)
    one.log_in()
    two.log_in()
    apps = one.expect(200, "GET", "/apps")
    for change in ({"X_CSRF_Token": None}, {"X_CSRF_Token": "0" * 64}, {"X_CSRF_Token": two.csrf},
                   {"X_CSRF_Token": one.csrf[:-1]}, {"Origin": None}, {"Origin": "null"},
                   {"Origin": "https://evil.example"}, {"Origin": f"http://localhost:{b.api.port}"},
                   {"Origin": "https://localhost:1"}, {"Sec_Fetch_Site": "cross-site"},
                   {"Sec_Fetch_Site": "same-site"}, {"Host": f"evil.example:{b.api.port}"}):
        one.expect(403, *CHANGE, **change)
        one.expect(403, "DELETE", "/apps/1", **change)
    for kind in ("text/plain", "multipart/form-data", "application/x-www-form-urlencoded"):
        one.expect(415, *CHANGE, Content_Type=kind)
    # Nor does a page of another site log somebody in or out, or read.
    evil = {"Origin": "https://evil.example"}
    b.api.expect(403, "POST", "/login", {"password": PASSWORD}, token=False, **evil)
    b.api.expect(415, "POST", "/login", {"password": PASSWORD}, token=False, Content_Type="text/plain")
    one.expect(403, "DELETE", "/login", **evil)
    one.expect(403, "GET", "/status", **evil)
    one.expect(405, "OPTIONS", "/status")
    assert not any("access-control" in k.lower() for k in b.api.headers.keys())
    assert one.expect(200, "GET", "/apps") == apps


def cve_2025_53096_no_page_frames_this_one():
    b = bed()
    policy = get(b.api, "/")[1]["Content-Security-Policy"]
    rules = dict(r.strip().split(" ", 1) for r in policy.split(";"))
    assert rules["frame-ancestors"] == rules["default-src"] == rules["base-uri"] == "'none'", rules
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'", rules
    assert "unsafe" not in policy
    b.api.expect(200, "GET", "/status")
    for headers in (b.api.headers, get(b.api, "/")[1], get(b.api, "/theme.js")[1], get(b.api, "/no.js")[1]):
        assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Frame-Options"] == "DENY" and headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


def dns_rebinding_names_another_host():
    b = bed()
    b.set_password()
    names = ["desk.example", "TV.example", "127.0.0.1", "localhost"]
    for name in names:
        one = Browser(b.api, name)
        one.log_in()
        one.expect(204, "DELETE", f"/apps/{one.expect(201, *CHANGE)['id']}")
        assert get(b.api, "/", Host=f"{name}:{b.api.port}")[0] == 200
    for name in ("evil.example", "desk.example.evil.example", "xdesk.example", "127.0.0.1.evil.example",
                 "example", ","):
        assert get(b.api, "/", Host=f"{name}:{b.api.port}")[0] == 403, name
        b.api.expect(403, "POST", "/login", {"password": PASSWORD}, token=False,
                     Host=f"{name}:{b.api.port}")
        b.api.expect(403, "GET", "/health", Host=f"{name}:{b.api.port}")


def path_traversal_has_no_path():
    b = bed()
    for path in ("/../secret.txt", "/assets/../../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt",
                 "/assets/up/secret.txt", "/link.txt", "/.hidden.txt", "/assets/.", "/assets/..",
                 "//etc/passwd", "/etc/passwd.txt", "/..\\secret.txt", "/index.html/../../secret.txt",
                 "/%2e%2e%2f%2e%2e%2fetc/passwd", "/index.html%00.js", "/theme.js%00", "/assets/app-1a2b.js.gz",
                 "/console/index.html", "/%ff.js"):
        status, headers, data = get(b.api, path)
        assert b"secret" not in data and b"root:" not in data, path
        assert status == 404 or (status == 200 and data == PAGES["index.html"]), (path, status)
        assert status == 404 or "." not in path.rsplit("/", 1)[1], (path, status)


def token_theft_gets_no_further_than_this_machine():
    b = bed()
    for name in ("__Host-punktfunk", "token", "Authorization"):
        b.api.expect(401, "GET", "/status", token=False, Cookie=f"{name}={b.api.token}")
    b.api.expect(401, "GET", "/status?token=" + b.api.token, token=False)
    there = From(b.api, source=own_address())
    for change in ({}, {"Host": "localhost"}, {"X_Forwarded_For": "127.0.0.1"},
                   {"Forwarded": "for=127.0.0.1"}):
        there.expect(403, "GET", "/status", **change)
        there.expect(403, *CHANGE, **change)
    assert b.api.token not in b.server.stderr()


def the_token_opens_at_this_machines_own_address():
    address = own_address()
    with Place() as place, host(place, "--mgmt-bind", address) as server:
        expect(place.run("status"), 0)
        expect(place.run("apps", "add", "one"), 0)
        server.end()


# ---- advisories: trust ----

def cve_2026_32253_only_the_exact_certificate_of_an_enabled_client_reads():
    b = bed()
    stranger = Identity()  # of the same name as the others
    for who in (b.native, b.listed):
        api = From(b.api, source="127.0.0.4", identity=who)
        assert api.expect(200, "GET", "/status", token=False)["clients"] == 3
        # It reads what the document says, and changes nothing.
        for method, path, body in (("GET", "/clients", None), ("GET", "/apps", None), CHANGE,
                                   ("GET", "/events", None), ("POST", "/pair/arm", {})):
            api.expect(401, method, path, body, token=False)
        assert not api.expect(200, "GET", "/login", token=False)["signed_in"]
    for who in (stranger, b.late, b.moonlight, Identity(years=(2001, 2002))):
        From(b.api, identity=who).expect(401, "GET", "/status", token=False)
    # Nor does it make the host keep much.
    From(b.api, identity=stranger).expect(413, "GET", "/apps/1/art", raw=b"x" * 200000, token=False)


def ghsa_6jvv_a_derived_certificate_is_nobody():
    b = bed()
    derived = Identity(issuer=b.native)
    From(b.api, identity=derived).expect(401, "GET", "/status", token=False)
    # A certificate without its key is none either.
    thief = Identity()
    thief.pem = b.native.pem
    try:
        context = thief.context()
    except ssl.SSLError:
        return  # OpenSSL does not even let one try
    assert not context


def of_2024_a_removed_client_is_out_at_once():
    b = bed()
    api = From(b.api, identity=b.native)
    kept = api.open()
    api.expect(200, "GET", "/status", token=False, over=kept)
    one = "/clients/native/" + b.native.fingerprint
    b.api.expect(200, "PATCH", one, {"expires": "2020-01-01T00:00:00Z"})
    api.expect(401, "GET", "/status", token=False, over=kept)
    b.api.expect(200, "PATCH", one, {"expires": None})
    api.expect(200, "GET", "/status", token=False, over=kept)
    b.api.expect(204, "DELETE", one)
    api.expect(401, "GET", "/status", token=False, over=kept)
    kept.close()


# ---- files, another machine ----

def files_come_compressed_and_once():
    b = bed()
    status, headers, data = get(b.api, "/")
    assert status == 200 and data == PAGES["index.html"], data
    assert headers["Content-Type"].startswith("text/html") and headers["Cache-Control"] == "no-cache"
    for path, name in (("/", "index.html"), ("/assets/app-1a2b.js", "assets/app-1a2b.js")):
        status, headers, data = get(b.api, path, Accept_Encoding="br, gzip")
        assert headers["Content-Encoding"] == "gzip" and headers["Vary"] == "Accept-Encoding"
        assert gzip.decompress(data) == PAGES[name]
        again = get(b.api, path, Accept_Encoding="gzip", If_None_Match=headers["ETag"])
        assert (again[0], again[2]) == (304, b""), again
        assert get(b.api, path, If_None_Match=headers["ETag"])[0] == 200  # another form
        assert get(b.api, path, Accept_Encoding="gzip;q=0")[2] == PAGES[name]
    assert "immutable" in headers["Cache-Control"]
    for page in ("/login", "/devices", "/stats/recordings/4"):
        assert get(b.api, page)[2] == PAGES["index.html"], page
    assert get(b.api, "/api/v1/nothing")[0] == 401 and get(b.api, "/api/nothing")[0] == 401
    # A link from elsewhere leads here; a script of elsewhere reads nothing.
    assert get(b.api, "/", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
    assert get(b.api, "/theme.js", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
    c = b.api.open()  # one connection for all of a page
    for method, path, status in (("GET", "/", 200), ("HEAD", "/theme.js", 200), ("GET", "/theme.js", 200)):
        c.request(method, path)
        r = c.getresponse()
        assert r.status == status and len(r.read()) == (0 if method == "HEAD" else int(r.headers["Content-Length"]))
        assert r.headers.get("Connection", "").lower() != "close", (method, path)
    c.close()
    c = b.api.open()
    c.request("POST", "/theme.js", b"")
    assert c.getresponse().status == 405
    c.close()


def another_machine_uses_the_console():
    b = bed()
    b.set_password()
    address = own_address()
    there = From(b.api, source=address, to=address)
    expect(b.place.run("console"), 0, f"https://localhost:{b.api.port}/", f"https://{address}:{b.api.port}/")
    assert get(there, "/")[2] == PAGES["index.html"]
    there.expect(401, "GET", "/status", token=False)
    there.expect(200, "GET", "/health", token=False)
    one = Browser(there, address)
    one.log_in()
    one.expect(204, "DELETE", f"/apps/{one.expect(201, *CHANGE)['id']}")
    one.expect(403, "GET", "/status", Host=f"localhost.evil.example:{b.api.port}")


def strangers_of_the_network_ask_seldom():
    b = bed()
    b.set_password()
    address = own_address()
    there = From(b.api, source=address, to=address)
    one = Browser(there, address)
    one.log_in()
    kept, answers = there.open(), []
    for _ in range(1000):
        answers.append(there.ask("GET", "/health", token=False, over=kept)[0])
        if answers[-1] == 429:
            assert there.headers["Retry-After"] == "1"
            break
    assert 100 <= len(answers) and answers[-1] == 429, (len(answers), answers[-1])
    kept.close()
    for _ in range(3):  # who is signed in, and this machine, may
        one.expect(200, "GET", "/status")
    b.api.expect(200, "GET", "/health", token=False)


def cve_2025_5024_a_flood_of_connections_keeps_nobody_out():
    b = bed()
    b.set_password()
    address = own_address()
    there = From(b.api, source=address, to=address)
    one = Browser(there, address)
    one.log_in()
    with there.listen("pairing", token=False, **one.headers()) as events:
        flood = [socket.create_connection((address, b.api.port), timeout=PATIENCE) for _ in range(120)]

        def alive():
            count = 0
            for c in flood:
                c.setblocking(False)
                try:
                    count += c.recv(1) != b""
                except BlockingIOError:
                    count += 1
                except OSError:
                    pass
            return count

        until(lambda: alive() <= 24, lambda: f"{alive()} strangers' connections are open")
        b.api.expect(200, "GET", "/status")  # this machine
        b.api.expect(201, "POST", "/pair/arm", {})
        assert events.next("pairing.changed")  # who is signed in
        for c in flood:
            c.close()

    def again():
        try:
            return one.expect(200, "GET", "/status")
        except OSError:
            return None

    until(again, "room for one more")


def the_host_ends_in_order():
    b = bed()
    with b.stack:
        b.server.end()


main([the_console_command_makes_a_password_once, a_log_in_opens_and_a_log_out_closes, tries_are_few,
      a_password_file_open_to_others_is_not_believed, ghsa_39hj_a_cookie_alone_changes_nothing,
      cve_2025_53096_no_page_frames_this_one, dns_rebinding_names_another_host,
      path_traversal_has_no_path, token_theft_gets_no_further_than_this_machine,
      the_token_opens_at_this_machines_own_address,
      cve_2026_32253_only_the_exact_certificate_of_an_enabled_client_reads,
      ghsa_6jvv_a_derived_certificate_is_nobody, of_2024_a_removed_client_is_out_at_once,
      files_come_compressed_and_once, another_machine_uses_the_console,
      strangers_of_the_network_ask_seldom, cve_2025_5024_a_flood_of_connections_keeps_nobody_out,
      the_host_ends_in_order])
