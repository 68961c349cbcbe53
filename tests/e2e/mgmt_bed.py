# SPDX-License-Identifier: MIT OR Apache-2.0
"""What the tests of the management API share: a client that checks every answer
against host/mgmt/openapi.yaml. An operation, status or field that it does not name
fails, as does a word of the schema language that is not understood here."""
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import urllib.parse

import yaml

from host_bed import PATIENCE, Server

SPEC = yaml.safe_load(
    (pathlib.Path(os.environ["PF_SOURCE_ROOT"]) / "host/mgmt/openapi.yaml").read_text())
METHODS = ("get", "put", "post", "patch", "delete")
# What the checks before the operations say, on any path (see the text of the document).
ANYWHERE = {400, 401, 403, 405, 413, 415, 429, 503}
seen = set()  # (path of the document, method, status)


# ---- the contract ----

def resolve(node):
    while "$ref" in node:
        found = SPEC
        for part in node["$ref"].split("/")[1:]:
            found = found[part]
        node = found
    return node


def is_a(value, kind):
    return {"null": value is None, "string": isinstance(value, str),
            "boolean": isinstance(value, bool), "array": isinstance(value, list),
            "object": isinstance(value, dict),
            "integer": isinstance(value, int) and not isinstance(value, bool),
            "number": isinstance(value, (int, float)) and not isinstance(value, bool)}[kind]


UNDERSTOOD = {"type", "enum", "const", "pattern", "minimum", "maximum", "minLength", "maxLength",
              "minItems", "maxItems", "minProperties", "maxProperties", "items", "properties",
              "additionalProperties", "required", "oneOf", "anyOf", "allOf",
              "description", "title", "default", "example", "examples", "format",
              "contentMediaType", "discriminator", "deprecated", "readOnly", "writeOnly"}


def understood(node, at=""):
    """Fails for a word of the schema language that conforms() does not know."""
    unknown = {k for k in node if not k.startswith("x-")} - UNDERSTOOD - {"$ref"}
    assert not unknown, f"openapi.yaml{at}: the bed does not know {unknown} (a comma in a text?)"
    for name, part in node.get("properties", {}).items():
        understood(part, f"{at}.{name}")
    for word in ("items", "additionalProperties"):
        if isinstance(node.get(word), dict):
            understood(node[word], f"{at}.{word}")
    for word in ("oneOf", "anyOf", "allOf"):
        for part in node.get(word, []):
            understood(part, f"{at}.{word}")


def conforms(value, schema, at="answer"):
    """Fails where `value` is not what `schema` says."""
    schema = resolve(schema)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    assert not kinds or any(is_a(value, k) for k in kinds), f"{at}: {value!r} is no {kinds}"
    assert value in schema.get("enum", [value]), f"{at}: {value!r} is none of {schema['enum']}"
    assert value == schema.get("const", value), f"{at}: {value!r} is not {schema['const']!r}"
    if isinstance(value, str):
        assert re.search(schema.get("pattern", ""), value), f"{at}: {value!r}"
        assert schema.get("minLength", 0) <= len(value), f"{at}: {value!r} is too short"
        assert len(value) <= schema.get("maxLength", len(value)), f"{at}: {value!r} is too long"
    if is_a(value, "number"):
        assert schema.get("minimum", value) <= value <= schema.get("maximum", value), f"{at}: {value}"
    for low, high, kind in (("minItems", "maxItems", list), ("minProperties", "maxProperties", dict)):
        if isinstance(value, kind):
            assert schema.get(low, 0) <= len(value) <= schema.get(high, len(value)), \
                f"{at}: {len(value)} of them"
    for i, item in enumerate(value if isinstance(value, list) else []):
        conforms(item, schema.get("items", {}), f"{at}[{i}]")
    if isinstance(value, dict):
        properties, rest = schema.get("properties", {}), schema.get("additionalProperties", True)
        for name in schema.get("required", []):
            assert name in value, f"{at}: {name} is missing"
        for name, v in value.items():
            assert name in properties or rest is not False, f"{at}: {name} is not documented"
            if name in properties or isinstance(rest, dict):
                conforms(v, properties.get(name, rest), f"{at}.{name}")
    for part in schema.get("allOf", []):
        conforms(value, part, at)
    for words, right in (("anyOf", lambda n: n >= 1), ("oneOf", lambda n: n == 1)):
        if words in schema:
            fits = [fit for fit in schema[words] if is_valid(value, fit)]
            assert right(len(fits)), f"{at}: {value!r} fits {len(fits)} of {words}"


def is_valid(value, schema):
    try:
        conforms(value, schema)
        return True
    except AssertionError:
        return False


def base(item):
    """Where a path of the document begins, below the host."""
    servers = item.get("servers", SPEC["servers"])
    return urllib.parse.urlsplit(servers[0]["url"]).path.rstrip("/")


def documented_path(path):
    """The document's name of a whole path (/api/v1/apps/3); a path in words goes first."""
    for known in sorted(SPEC["paths"], key=lambda k: k.count("{")):
        pattern = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(base(SPEC["paths"][known]) + known))
        if re.fullmatch(pattern, path):
            return known
    return None


def operations():
    """All of (path of the document, method, operation, parameters)."""
    for path, item in SPEC["paths"].items():
        for method in METHODS:
            if method in item:
                parameters = item.get("parameters", []) + item[method].get("parameters", [])
                yield path, method, item[method], [resolve(p) for p in parameters]


def check(method, path, status, headers, data):
    """The body that was answered, if the document has this answer at `path` (whole)."""
    known = documented_path(path)
    operation = known and SPEC["paths"][known].get(method.lower())
    seen.add((known, method, status))
    if operation and str(status) in operation["responses"]:
        response = resolve(operation["responses"][str(status)])
    else:
        assert status in ANYWHERE or (not operation and status == 404), f"{method} {path}: {status}"
        response = SPEC["components"]["responses"]["Error"]
    for name, header in response.get("headers", {}).items():
        said = headers.get(name)
        assert said is not None or not resolve(header).get("required"), f"{method} {path}: no {name}"
    if "content" not in response:
        assert not data, data
        return None
    kind = headers["Content-Type"].split(";")[0].strip()
    content = response["content"].get(kind) or response["content"].get(kind.split("/")[0] + "/*")
    assert content is not None, f"{method} {path}: {kind} is not documented"
    if kind != "application/json":
        return data
    body = json.loads(data)
    conforms(body, content["schema"], f"{method} {path} {status}")
    return body


for schema_name, schema_node in SPEC["components"]["schemas"].items():
    understood(schema_node, " " + schema_name)


# ---- a host and who asks it ----

class Api:
    """Asks the API of a serving host, with the token of its file."""

    def __init__(self, place, server):
        state = place.dir / "state_home" / "punktfunk"
        self.port = int(server.words()["mgmt"])
        self.token = (state / "mgmt-token").read_text().strip()
        self.origin = f"https://localhost:{self.port}"
        self.context = ssl.create_default_context()
        self.context.check_hostname = False
        self.context.verify_mode = ssl.CERT_NONE

    def connect(self):
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        return self.context.wrap_socket(raw)

    def open(self, certificate=None):
        """A connection to keep; `certificate` is a file with a client's, and its key."""
        context = self.context
        if certificate:
            context = ssl.create_default_context()
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
            context.load_cert_chain(certificate)
        return http.client.HTTPSConnection("127.0.0.1", self.port, timeout=PATIENCE, context=context)

    def log_in(self, password):
        """The headers of a browser that logged in and whose page asks; for ask()."""
        csrf = self.expect(200, "POST", "/login", {"password": password}, token=False)["csrf"]
        return {"Cookie": self.headers["Set-Cookie"].split(";")[0], "X_CSRF_Token": csrf,
                "Host": f"localhost:{self.port}", "Origin": self.origin, "token": False}

    def ask(self, method, path, body=None, token=True, raw=None, root="/api/v1", over=None,
            **headers):
        """(status, checked body) of a path below `root`; header names with _ for -. The
        headers stay in self.headers. `over` is a connection of open() that is kept."""
        if token is True:
            headers.setdefault("Authorization", "Bearer " + self.token)
        data = raw if raw is not None else None if body is None else json.dumps(body).encode()
        if data is not None:
            headers.setdefault("Content_Type", "application/json")
        c = over or self.open()
        try:
            c.request(method, root + path, data,
                      {k.replace("_", "-"): v for k, v in headers.items() if v is not None})
            r = c.getresponse()
            self.headers = r.headers
            # Events have no end.
            stream = (r.headers["Content-Type"] or "").startswith("text/event-stream")
            text = b"" if stream else r.read()
            if stream:
                c.close()
            return r.status, check(method, root + path.split("?")[0], r.status, r.headers, text)
        finally:
            if not over:
                c.close()

    def expect(self, status, method, path, body=None, **more):
        got, answer = self.ask(method, path, body, **more)
        assert got == status, f"{method} {path}: {got}, not {status}: {answer}"
        return answer

    def listen(self, topics=None, after=None, token=True, **headers):
        return Listener(self, topics, after, token, headers)


class Listener:
    """A client of the stream of events; each one that comes is checked against the document."""

    def __init__(self, api, topics=None, after=None, token=True, headers=None):
        query = "&".join(f"{k}={v}" for k, v in (("topics", topics), ("after", after)) if v is not None)
        headers = {k.replace("_", "-"): str(v) for k, v in (headers or {}).items()}
        if token:
            headers.setdefault("Authorization", "Bearer " + api.token)
        self.c = api.open()
        self.c.request("GET", "/api/v1/events" + ("?" + query if query else ""), headers=headers)
        self.r = self.c.getresponse()
        self.status, self.last, self.beats = self.r.status, None, 0
        data = b"" if self.status == 200 else self.r.read()
        self.error = check("GET", "/api/v1/events", self.status, self.r.headers, data)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.r.close()
        self.c.close()

    def next(self, *names):
        """(name, data) of the next event, or of the next one with such a name; None at the end."""
        event, data = None, None
        while True:
            line = self.r.readline().decode()
            if not line:
                return None
            field, _, value = line.rstrip("\n").partition(": ")
            if field == "id":
                before, self.last = self.last, int(value)
            elif field == "event":
                event = value
            elif field == "data":
                data = json.loads(value)
            elif line.startswith(":"):
                self.beats += 1
            elif line == "\n" and event:
                schema = SPEC["components"]["schemas"]["Events"]["properties"].get(event)
                assert schema, f"the event {event} is not documented"
                conforms(data, schema, event)
                assert event == "reset" or self.last > before, (self.last, before)
                if not names or event in names:
                    return event, data
                event = None


def host(place, *args, **env):
    """A serving host that shows a pattern; further arguments are of `serve`."""
    s = Server(place, "--display-backend", "pattern", "--audio=no", *args, **env)
    assert s.line.startswith("ready "), s.stderr()
    return s


def expect(result, code, *words):
    """Of a command that ran: its exit and what it must say; what it printed."""
    said = result.stdout + result.stderr
    assert result.returncode == code, f"exit {result.returncode}, not {code}: {said}"
    for w in words:
        assert w in said, f"does not say {w!r}: {said}"
    return result.stdout


FP = "ab" * 32


def ask_for_access(place, server):
    """A device of its own that knocks: punktfunk-probe, which is the second argument."""
    return subprocess.Popen(
        [sys.argv[2], "request", "127.0.0.1:" + server.words()["port"], "--trust-first", "--quiet"],
        env={**os.environ, "XDG_DATA_HOME": str(place.dir / "device")}, stdin=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL)


def put_client(place, fingerprint=FP, name="roth", plane="gamestream"):
    """As if it had paired; before the host starts."""
    path = place.dir / "data_home" / "punktfunk"
    path.mkdir(exist_ok=True, mode=0o700)
    (path / "clients.json").write_text(json.dumps({"version": 1, "clients": [
        {"plane": plane, "fingerprint": fingerprint, "name": name, "grants": "all",
         "paired": "2026-01-02T03:04:05Z"}]}))
    place.own()
