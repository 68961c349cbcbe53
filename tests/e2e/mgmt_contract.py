#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Every operation of host/mgmt/openapi.yaml, asked rightly and in each wrong way, on a
serving host. The operations are read from the document: one without a case here fails,
as does a case without an operation.

usage: mgmt_contract.py PUNKTFUNK-HOST PUNKTFUNK-PROBE. Prints TAP."""
import atexit
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import urllib.parse

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from host_bed import PATIENCE, Place, Skip, main, until
from mgmt_bed import (FP, METHODS, SPEC, Api, ask_for_access, base, documented_path, host, operations,
                      put_client, seen)
from mgmt_values import right, wrong, wrong_bodies

ALL = list(operations())
GOOD = {}  # (method, path of the document) to a function of the world


def good(method, path):
    def take(function):
        GOOD[method, path] = function
        return function
    return take


class World:
    """One host with something of everything."""

    def __init__(self):
        self.stack = contextlib.ExitStack()
        atexit.register(self.stack.close)
        self.place = self.stack.enter_context(Place())
        put_client(self.place)
        (self.place.config / "allowed_clients").write_text("cd" * 32 + " pointer # den\n")
        self.place.own()
        self.server = self.stack.enter_context(
            host(self.place, "--gamestream", "--gamestream-port", "0"))
        self.api = Api(self.place, self.server)

    def expect(self, *args, **more):
        return self.api.expect(*args, **more)

    def app(self):
        return self.expect(201, "POST", "/apps", {"title": "one of the tests"})["id"]

    def knock(self):
        """Somebody asks for access: (the process, the number of his request)."""
        waiting = ask_for_access(self.place, self.server)
        until(lambda: self.expect(200, "GET", "/access/requests")["requests"], "it asks")
        request = self.expect(200, "GET", "/access/requests")["requests"][0]
        assert request["waits"] and request["address"] == "127.0.0.1", request
        return waiting, request

    @contextlib.contextmanager
    def session(self):
        """A punktfunk client that streams: its session's path."""
        p = subprocess.Popen(
            [sys.argv[2], "connect", "127.0.0.1:" + self.server.words()["port"], "--trust-first",
             "--quiet", "--mode", "320x180@30", "--seconds", "600"],
            env={**os.environ, "XDG_DATA_HOME": str(self.place.dir / "viewer")},
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            until(lambda: self.expect(200, "GET", "/access/requests")["requests"], "it asks")
            request = self.expect(200, "GET", "/access/requests")["requests"][0]
            self.expect(200, "POST", f"/access/requests/{request['id']}/approve", {})

            def streams():
                return [s for s in self.expect(200, "GET", "/status")["sessions"]
                        if s.get("frames_sent")]
            until(streams, "pictures")
            yield f"/sessions/native/{streams()[0]['id']}"
            self.expect(204, "DELETE", "/clients/native/" + request["fingerprint"])
            p.wait(timeout=PATIENCE)
        finally:
            p.kill()
            p.wait()

    def there(self, path):
        """A path of the document, with arguments that name something that is."""
        if "{" not in path:
            return path
        values = {"plane": "gamestream", "fingerprint": FP}
        if path.startswith("/apps/{id}"):
            values["id"] = next((a["id"] for a in self.expect(200, "GET", "/apps")["apps"]
                                 if not a["builtin"]), None) or self.app()
        else:
            values["id"] = 4242  # nothing is there for long: 404 is right, too
        return path.format(**values)

    def end(self):
        with self.stack:
            self.server.end()


_world = None


def world():
    global _world
    _world = _world or World()
    return _world


def gamestream(w):
    """A Moonlight client that did not pair yet."""
    try:
        from gs import web
    except ImportError as e:
        raise Skip("python3-cryptography is not installed") from e
    return web.Web(int(w.server.words()["gamestream"]), web.Identity())


# ---- one right call of each operation ----

@good("GET", "/health")
def _(w):
    assert w.expect(200, "GET", "/health", token=False) == {"status": "ok"}


PASSWORD = "correct horse battery"


@good("GET", "/login")
def _(w):
    assert w.expect(200, "GET", "/login", token=False)["signed_in"] is False


@good("PUT", "/login/password")
def _(w):
    w.expect(204, "PUT", "/login/password", {"new": PASSWORD})
    w.expect(403, "PUT", "/login/password", {"old": "wrong", "new": PASSWORD})
    w.expect(204, "PUT", "/login/password", {"old": PASSWORD, "new": PASSWORD})


@good("POST", "/login")
def _(w):
    w.expect(204, "PUT", "/login/password", {"new": PASSWORD})
    w.expect(401, "POST", "/login", {"password": "wrong"}, token=False)
    assert w.expect(200, "POST", "/login", {"password": PASSWORD}, token=False)["csrf"]


@good("DELETE", "/login")
def _(w):
    mine = w.api.log_in(PASSWORD)
    assert w.expect(200, "GET", "/login", **mine) == {
        "signed_in": True, "password_set": True, "csrf": mine["X_CSRF_Token"]}
    w.expect(204, "DELETE", "/login", **mine)
    w.expect(401, "DELETE", "/login", **mine)


@good("GET", "/status")
def _(w):
    status = w.expect(200, "GET", "/status")
    assert status["clients"] == 1 and status["gamestream_port"] > 0, status
    assert status["fingerprint"] == w.server.words()["fingerprint"]
    assert any("trusted networks" in n for n in status["notices"]), status
    assert status["port"] == int(w.server.words()["port"])


@good("GET", "/events")
def _(w):
    with w.api.listen("clients") as events:
        w.expect(200, "PATCH", "/clients/gamestream/" + FP, {"name": "heard"})
        assert events.next() == ("clients.changed", {})


@good("GET", "/metrics")
def _(w):
    assert w.expect(200, "GET", "/metrics", root="").endswith(b"# EOF\n")


@good("POST", "/stats/recordings")
def _(w):
    started = w.expect(201, "POST", "/stats/recordings", {"name": "Küche"})
    assert started["running"] and started["name"] == "Küche", started
    w.expect(409, "POST", "/stats/recordings", {})
    w.expect(204, "DELETE", f"/stats/recordings/{started['id']}")


@good("GET", "/stats/recordings/{id}")
def _(w):
    one = f"/stats/recordings/{w.expect(201, 'POST', '/stats/recordings', {})['id']}"
    until(lambda: w.expect(200, "GET", one)["samples"], "a second passes")
    w.expect(204, "DELETE", one)
    w.expect(404, "GET", one)


@good("POST", "/stats/recordings/{id}/stop")
def _(w):
    one = f"/stats/recordings/{w.expect(201, 'POST', '/stats/recordings', {})['id']}"
    assert not w.expect(200, "POST", one + "/stop", {})["running"]
    w.expect(409, "POST", one + "/stop", {})
    w.expect(204, "DELETE", one)


@good("DELETE", "/stats/recordings/{id}")
def _(w):
    one = f"/stats/recordings/{w.expect(201, 'POST', '/stats/recordings', {})['id']}"
    w.expect(204, "DELETE", one)
    w.expect(404, "DELETE", one)


@good("GET", "/pair/requests")
def _(w):
    assert w.expect(200, "GET", "/pair/requests") == {"requests": []}


@good("POST", "/pair/pin")
def _(w):
    moonlight = gamestream(w)
    w.expect(404, "POST", "/pair/pin", {"pin": "1234"})
    w.expect(400, "POST", "/pair/pin", {"pin": "12345"})

    def typed():
        until(lambda: w.expect(200, "GET", "/pair/requests")["requests"], "Moonlight asks")
        waiting = w.expect(200, "GET", "/pair/requests")["requests"][0]
        w.expect(404, "POST", "/pair/pin", {"pin": "1234", "request": waiting["id"] + 1})
        assert w.expect(202, "POST", "/pair/pin", {"pin": "1234", "request": waiting["id"]})["accepted"]

    moonlight.pair("1234", typed)
    fingerprint = moonlight.identity.fingerprint
    clients = w.expect(200, "GET", "/clients")["clients"]
    assert fingerprint in [x["fingerprint"] for x in clients], clients
    w.expect(204, "DELETE", "/clients/gamestream/" + fingerprint)


@good("GET", "/pair/arm")
def _(w):
    answer = w.expect(200, "GET", "/pair/arm")
    assert not answer["armed"] and "pin" not in answer, answer


@good("POST", "/pair/arm")
def _(w):
    shown = w.expect(201, "POST", "/pair/arm", {"ttl_s": 60, "device": "AB:" * 31 + "AB"})
    assert shown["device"] == "ab" * 32 and 0 < shown["left_s"] <= 60, shown
    assert w.expect(200, "GET", "/pair/arm")["pin"] == shown["pin"]
    w.expect(204, "DELETE", "/pair/arm")


@good("DELETE", "/pair/arm")
def _(w):
    w.expect(201, "POST", "/pair/arm", {})
    w.expect(204, "DELETE", "/pair/arm")
    assert not w.expect(200, "GET", "/pair/arm")["armed"]


@good("GET", "/access/requests")
def _(w):
    assert w.expect(200, "GET", "/access/requests") == {"requests": []}


@good("POST", "/access/requests/{id}/approve")
def _(w):
    waiting, request = w.knock()
    there = f"/access/requests/{request['id']}/approve"
    for why, body in wrong_bodies(SPEC["components"]["schemas"]["ClientChange"], {}):
        refused(w, "POST", there, body, why)
    w.expect(400, "POST", there, {"expires": "2001-01-31T12:00:00Z"})
    let_in = w.expect(200, "POST", there, {"name": "Sofa"})
    assert let_in["fingerprint"] == request["fingerprint"] and let_in["name"] == "Sofa"
    assert waiting.wait(timeout=PATIENCE) == 0
    w.expect(404, "POST", there, {})
    w.expect(204, "DELETE", "/clients/native/" + request["fingerprint"])


@good("POST", "/access/requests/{id}/deny")
def _(w):
    waiting, request = w.knock()
    w.expect(204, "POST", f"/access/requests/{request['id']}/deny", {})
    assert waiting.wait(timeout=PATIENCE) == 3
    assert w.expect(200, "GET", "/access/requests") == {"requests": []}


@good("GET", "/clients")
def _(w):
    clients = w.expect(200, "GET", "/clients")["clients"]
    assert [c["source"] for c in clients] == ["paired", "allowed_clients"], clients


@good("PATCH", "/clients/{plane}/{fingerprint}")
def _(w):
    one = "/clients/gamestream/" + FP
    assert w.expect(200, "PATCH", one, {"name": "Küche"})["name"] == "Küche"
    assert w.expect(200, "PATCH", one, {"grants": "pointer"})["grants"] == "pointer"
    for until_when in ("2099-01-01T00:00:00Z", None):
        assert w.expect(200, "PATCH", one, {"expires": until_when})["expires"] == until_when
    w.expect(409, "PATCH", "/clients/native/" + "cd" * 32, {"name": "x"})
    w.expect(404, "PATCH", "/clients/native/" + FP, {})


@good("DELETE", "/clients/{plane}/{fingerprint}")
def _(w):
    waiting, request = w.knock()
    w.expect(200, "POST", f"/access/requests/{request['id']}/approve", {})
    assert waiting.wait(timeout=PATIENCE) == 0
    one = "/clients/native/" + request["fingerprint"]
    w.expect(204, "DELETE", one)
    w.expect(404, "DELETE", one)
    w.expect(409, "DELETE", "/clients/native/" + "cd" * 32)


@good("GET", "/apps")
def _(w):
    apps = w.expect(200, "GET", "/apps")["apps"]
    assert apps[0]["title"] == "Desktop" and apps[0]["builtin"], apps


@good("POST", "/apps")
def _(w):
    app = w.expect(201, "POST", "/apps",
                   {"title": "Föö", "command": "x", "env": {"A": "1"}, "prep": [{"do": "y"}]})
    kept = json.loads((w.place.config / "apps.json").read_text())["apps"]
    assert app["id"] in [a["id"] for a in kept], kept
    w.expect(204, "DELETE", f"/apps/{app['id']}")


@good("PATCH", "/apps/{id}")
def _(w):
    app = w.app()
    assert w.expect(200, "PATCH", f"/apps/{app}", {"env": {"A": "b"}})["env"] == {"A": "b"}
    assert w.expect(200, "PATCH", f"/apps/{app}", {"env": None})["env"] == {}
    w.expect(409, "PATCH", "/apps/1", {"title": "x"})
    w.expect(204, "DELETE", f"/apps/{app}")


@good("DELETE", "/apps/{id}")
def _(w):
    app = w.app()
    w.expect(204, "DELETE", f"/apps/{app}")
    w.expect(404, "DELETE", f"/apps/{app}")
    w.expect(404, "PATCH", f"/apps/{app}", {})


@good("GET", "/apps/{id}")
def _(w):
    app = w.app()
    assert w.expect(200, "GET", f"/apps/{app}")["title"] == "one of the tests"
    w.expect(204, "DELETE", f"/apps/{app}")
    w.expect(404, "GET", f"/apps/{app}")


PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


@good("PUT", "/apps/{id}/art")
def _(w):
    w.expect(204, "PUT", "/apps/1/art", raw=PNG, Content_Type="image/png")


@good("GET", "/apps/{id}/art")
def _(w):
    assert w.expect(200, "GET", "/apps/1/art") == PNG


@good("DELETE", "/apps/{id}/art")
def _(w):
    w.expect(204, "DELETE", "/apps/1/art")
    w.expect(404, "DELETE", "/apps/1/art")
    w.expect(404, "GET", "/apps/1/art")


@good("PATCH", "/settings")
def _(w):
    def cursor(answer):
        return next(s for s in answer["settings"] if s["name"] == "cursor")

    assert cursor(w.expect(200, "PATCH", "/settings", {"cursor": False}))["value"] is False
    assert "cursor = no" in (w.place.config / "host.conf.d/90-console.conf").read_text()
    w.expect(409, "PATCH", "/settings", {"cursor": True, "gamestream": False})
    assert cursor(w.expect(200, "PATCH", "/settings", {"cursor": None}))["source"] == "default"


@good("PATCH", "/sessions/{plane}/{id}")
def _(w):
    with w.session() as there:
        assert w.expect(200, "PATCH", there, {"bitrate_kbps": 2000}) == {"bitrate_kbps": 2000}
        assert w.expect(200, "PATCH", there, {"bitrate_kbps": None}) == {"bitrate_kbps": None}


@good("POST", "/sessions/{plane}/{id}/keyframe")
def _(w):
    with w.session() as there:
        w.expect(204, "POST", there + "/keyframe", {})


@good("DELETE", "/sessions/{plane}/{id}")
def _(w):
    with w.session() as there:
        w.expect(204, "DELETE", there)
        w.expect(404, "DELETE", there)
        w.expect(404, "POST", there + "/keyframe", {})
        w.expect(404, "PATCH", there, {"bitrate_kbps": 2000})


@good("DELETE", "/displays/{id}")
def _(w):
    def desks(*states):
        return [d for d in w.expect(200, "GET", "/displays")["desks"] if d["state"] in states]
    with w.session() as there:
        mine, = desks("live")
        w.expect(409, "DELETE", f"/displays/{mine['id']}")
        w.expect(204, "DELETE", there)
        until(lambda: mine["id"] in [d["id"] for d in desks("kept")], "the desk is kept")
    for d in desks("kept"):
        w.expect(204, "DELETE", f"/displays/{d['id']}")
    until(lambda: not w.expect(200, "GET", "/displays")["desks"], "the desks are gone")
    w.expect(404, "DELETE", f"/displays/{mine['id']}")


@good("GET", "/diagnostics")
def _(w):
    answer = w.expect(200, "GET", "/diagnostics")
    assert bool(answer["at"]) == bool(answer["checks"]), answer


@good("POST", "/diagnostics/refresh")
def _(w):
    # Another case may have begun a look.
    until(lambda: not w.expect(200, "GET", "/diagnostics")["running"], "no look is under way")
    answer = w.expect(200, "POST", "/diagnostics/refresh", {})
    assert len(answer["checks"]) > 30 and answer["at"] and not answer["running"], answer
    assert w.expect(200, "GET", "/diagnostics") == answer


# ---- tests ----

def every_operation_has_a_right_answer():
    w, there = world(), {(m.upper(), p) for p, m, _, _ in ALL}
    for path, method, operation, parameters in ALL:  # what is only read needs no case
        if method == "get" and "{" not in path and (method.upper(), path) not in GOOD \
                and "application/json" in operation["responses"]["200"]["content"]:
            GOOD["GET", path] = lambda w, path=path: w.expect(
                200, "GET", path, root=base(SPEC["paths"][path]))
    assert there == set(GOOD), f"operations and cases differ: {sorted(there ^ set(GOOD))}"
    for case in GOOD.values():
        case(w)
    for path, method, operation, _ in ALL:
        for status in operation["responses"]:
            assert status[0] != "2" or (path, method.upper(), int(status)) in seen, \
                f"{method} {path} never answered {status}"


def refused(w, method, path, body, why, raw=None, statuses=(400, 404), **headers):
    got, answer = w.api.ask(method, path, body, raw=raw, **headers)
    assert got in statuses, f"{method} {path}, {why}: {got} {answer}"
    return got


def schema_of_body(operation):
    content = operation.get("requestBody", {}).get("content", {})
    return content.get("application/json", {}).get("schema")


def what_the_schema_forbids_is_refused():
    w, tried = world(), 0
    for path, method, operation, parameters in ALL:
        schema, m = schema_of_body(operation), method.upper()
        if not schema:
            continue
        there, statuses = w.there(path), (400,) if "4242" not in w.there(path) else (400, 404)
        for why, body in wrong_bodies(schema):
            refused(w, m, there, body, why, statuses=statuses)
            tried += 1
        for raw in (b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"a":1,"a":1}', b"{}{}",
                    b'{"\\u0000":1}', b"[" * 5000):
            refused(w, m, there, None, repr(raw[:20]), raw=raw, statuses=statuses)
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
            assert w.api.ask(m, there, raw=b"{}", Content_Type=kind or "")[0] == 415, (m, path, kind)
        w.expect(413, m, there, raw=b" " * 1000001)
    assert tried > 100, tried
    w.expect(200, "GET", "/health")


def what_arguments_forbid_is_refused():
    w = world()
    for path, method, operation, parameters in ALL:
        m, body = method.upper(), schema_of_body(operation)
        body = right(body) if body else None
        for p in parameters:
            for value in wrong(p["schema"]):
                if isinstance(value, (dict, list)) or value is None or value == "" and p["in"] == "path":
                    continue
                text = quoted(value)
                if p["in"] == "path":
                    asked = w.there(path.replace("{%s}" % p["name"], "\x01")).replace("\x01", text)
                    # It may be another operation's path.
                    if documented_path(base(SPEC["paths"][path]) + asked) == path:
                        refused(w, m, asked, body, f"{p['name']} = {text[:40]}",
                                root=base(SPEC["paths"][path]))
                elif p["in"] == "query":
                    refused(w, m, f"{w.there(path)}?{p['name']}={text}", body,
                            f"{p['name']} = {text[:40]}", root=base(SPEC["paths"][path]))


def quoted(value):
    text = value if isinstance(value, str) else json.dumps(value)
    return urllib.parse.quote(text[:120], safe="")


def paths_and_methods_of_no_meaning():
    w = world()
    for path, item in SPEC["paths"].items():
        root, have = base(item), {m for m in METHODS if m in item}
        there = w.there(path)
        for method in {"get", "put", "post", "patch", "delete", "options", "trace", "bogus"} - have:
            data = b"{}" if method in ("put", "post", "patch") else None
            got, _ = w.api.ask(method.upper(), there, raw=data, root=root)
            assert got == 405, f"{method} {path}: {got}"
            allow = {m.strip().lower() for m in w.api.headers["Allow"].split(",")}
            assert allow == have, f"{path}: Allow says {allow}, the document {have}"
        for other in (path + "/", path + "/bogus", path.upper(), path + "%00", "/" + path):
            asked = w.there(other) if "{" in other and other.lower() == other else other
            if documented_path(root + asked) is None and "{" not in asked:
                got, _ = w.api.ask("GET", asked, root=root)
                assert got == 404, f"{asked}: {got}"
    for path in ("", "/", "/nothing", "/%2e%2e/%2e%2e/etc/passwd", "/../../etc/passwd", "/apps/..",
                 "/apps/1/../2", "/" + "a" * 200, "/" + "a/" * 50, "/status/%73", "/%73tatus"):
        if not documented_path("/api/v1" + path):
            got, _ = w.api.ask("GET", path)
            assert got == 404, f"{path}: {got}"


def lanes(operation):
    """Which of token, cookie, certificate and nothing open it, as the document says."""
    schemes = SPEC["components"]["securitySchemes"]
    names = {"http": "token", "apiKey": "cookie", "mutualTLS": "certificate"}
    wanted = operation.get("security", SPEC["security"])
    return {names[schemes[s]["type"]] for one in wanted for s in one} or {"nothing"}


def who_shows_nothing_or_the_wrong_thing_is_kept_out():
    w = world()
    for path, method, operation, _ in ALL:
        m, root, opened = method.upper(), base(SPEC["paths"][path]), lanes(operation)
        there, body = w.there(path), schema_of_body(operation)
        body = right(body) if body else None
        assert "token" in opened or "nothing" in opened, (m, path)
        if "nothing" in opened:
            continue
        for words in ({}, {"Authorization": "Bearer " + "0" * 64}, {"Authorization": "Bearer "},
                      {"Authorization": "Basic " + w.api.token}, {"Authorization": w.api.token},
                      {"Cookie": "__Host-punktfunk=" + w.api.token},
                      {"Cookie": "__Host-punktfunk=" + "0" * 64}):
            w.expect(401, m, there, body, token=False, root=root, **words)
        w.expect(401, m, there + "?token=" + w.api.token, body, token=False, root=root)
        w.expect(403, m, there, body, root=root, Origin="https://evil.example")
        w.expect(403, m, there, body, root=root, Host="evil.example")


def a_cookie_alone_changes_nothing():
    w = world()
    w.expect(204, "PUT", "/login/password", {"new": PASSWORD})
    mine = w.api.log_in(PASSWORD)

    def without(*names, **more):
        return {**{k: v for k, v in mine.items() if k not in names}, **more}

    for path, method, operation, _ in ALL:
        m, root, opened = method.upper(), base(SPEC["paths"][path]), lanes(operation)
        if "nothing" in opened:
            continue
        asked, body = w.there(path), schema_of_body(operation)
        if method != "get":
            for spoiled in (without("X_CSRF_Token"), without("Origin"),
                            without(X_CSRF_Token="0" * 64), without(X_CSRF_Token=""),
                            without(Origin="https://evil.example"), without(Origin="null"),
                            without(Host="evil.example"), without(Sec_Fetch_Site="cross-site")):
                w.expect(403, m, asked, right(body) if body else None, root=root, **spoiled)
        elif "cookie" in opened:
            got, _ = w.api.ask(m, asked, root=root, **without("X_CSRF_Token", "Origin"))
            assert got in (200, 404), f"{m} {path}: {got}"
        else:
            w.expect(401, m, asked, root=root, **mine)


def a_device_reads_what_the_document_lets_it_read():
    w = world()
    waiting, request = w.knock()
    w.expect(200, "POST", f"/access/requests/{request['id']}/approve", {})
    assert waiting.wait(timeout=PATIENCE) == 0
    identity = w.place.dir / "device" / "punktfunk-probe" / "identity.pem"
    for path, method, operation, _ in ALL:
        m, opened, body = method.upper(), lanes(operation), schema_of_body(operation)
        if "nothing" in opened:
            continue
        over = w.api.open(identity)
        got, _ = w.api.ask(m, w.there(path), right(body) if body else None, token=False, over=over,
                           root=base(SPEC["paths"][path]))
        over.close()
        right_ones = (200, 404) if "certificate" in opened else (401, 403)
        assert got in right_ones, f"{m} {path}: {got}"
    # Taken away, it opens nothing.
    w.expect(204, "DELETE", "/clients/native/" + request["fingerprint"])
    over = w.api.open(identity)
    w.expect(401, "GET", "/status", token=False, over=over)
    over.close()


def the_host_ends_in_order():
    world().end()


main([every_operation_has_a_right_answer, what_the_schema_forbids_is_refused,
      what_arguments_forbid_is_refused, paths_and_methods_of_no_meaning,
      who_shows_nothing_or_the_wrong_thing_is_kept_out, a_cookie_alone_changes_nothing,
      a_device_reads_what_the_document_lets_it_read, the_host_ends_in_order])
