#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Calls of the management API that a program made up from host/mgmt/openapi.yaml: values
at, near and far from what the schemas allow, bytes of no meaning, a thousand at once. No
500, nothing that the document does not say, no hang, nothing left behind; and the host
starts again with what was stored.

usage: mgmt_fuzz.py PUNKTFUNK-HOST PUNKTFUNK-PROBE [--seconds N] [--seed N]. Prints TAP."""
import asyncio
import collections
import http.client
import json
import os
import pathlib
import random
import ssl
import sys
import time
import urllib.parse

from host_bed import PATIENCE, Place, main, until
from mgmt_bed import FP, SPEC, Api, base, host, operations, put_client
from mgmt_values import ANYTHING, ODD, anything


def option(name, default):
    return float(sys.argv[sys.argv.index(name) + 1]) if name in sys.argv else default


SECONDS, SEED = option("--seconds", 4), int(option("--seed", 6))
ALL = list(operations())
SERVE = ("--gamestream", "--gamestream-port", "0")


def alive(server, api):
    assert server.p.poll() is None, f"the host ended with {server.p.poll()}"
    api.expect(200, "GET", "/health", token=False)


def argument(r, p, known):
    """A value of a path or query, as text."""
    dice = r.random()
    if dice < 0.6 and known.get(p["name"]):
        value = r.choice(known[p["name"]])
    else:
        value = anything(r, p["schema"]) if dice < 0.9 else r.choice(ANYTHING)
    text = value if isinstance(value, str) else json.dumps(value)
    if dice > 0.95:  # no UTF-8
        return urllib.parse.quote_from_bytes(r.randbytes(r.choice((1, 8, 200))), safe="")
    return urllib.parse.quote(text[:r.choice((20, 400, 4000))], safe="")


def call(r, known):
    """One made-up call: (method, path with query, raw body or None, its type, root)."""
    path, method, operation, parameters = r.choice(ALL)
    asked = path
    query = []
    for p in parameters:
        if p["in"] == "path":
            asked = asked.replace("{%s}" % p["name"], argument(r, p, known) or "x")
        elif p["in"] == "query" and r.random() < 0.7:
            query.append(p["name"] + "=" + argument(r, p, known))
    if r.random() < 0.05:
        query.append(urllib.parse.quote(r.choice(ODD)[:300]))
    content = operation.get("requestBody", {}).get("content", {})
    raw, kind = None, None
    if content:
        kind, media = r.choice(list(content.items()))
        if kind == "application/json":
            raw = json.dumps(anything(r, media["schema"])).encode("utf-8", "surrogatepass")
        else:
            raw = r.choice((b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WEBP", b"")) + \
                r.randbytes(r.choice((0, 1, 1000, 200000)))
        dice = r.random()
        if dice < 0.05 and raw:  # no UTF-8, no JSON any more
            at = r.randrange(len(raw))
            raw = raw[:at] + r.randbytes(r.choice((1, 3))) + raw[at + 1:]
        elif dice < 0.08:
            raw = raw[:r.randrange(len(raw) + 1)]
        elif dice < 0.09:
            raw += b" " * r.choice((65536, 70000, 2000000))
    return method.upper(), asked + ("?" + "&".join(query) if query else ""), raw, kind, \
        base(SPEC["paths"][path])


def what_the_schemas_suggest():
    r, answers = random.Random(SEED), collections.Counter()
    with Place() as p:
        put_client(p)
        with host(p, *SERVE) as s:
            api = Api(p, s)
            known = {"fingerprint": [FP, "cd" * 32], "plane": ["gamestream", "native"], "id": [1, 2]}
            over, end, slowest = api.open(), time.monotonic() + SECONDS, 0
            while time.monotonic() < end or sum(answers.values()) < 300:
                method, path, raw, kind, root = call(r, known)
                begin = time.monotonic()
                try:
                    status, answer = api.ask(method, path, raw=raw, root=root, over=over,
                                             Content_Type=kind)
                except (http.client.HTTPException, OSError) as e:
                    # The host may hang up on a body that it does not read.
                    assert raw and len(raw) > 1000000, f"seed {SEED}: {method} {path[:200]}: {e!r}"
                    over = api.open()
                    continue
                slowest = max(slowest, time.monotonic() - begin)
                answers[status] += 1
                assert status != 500, f"seed {SEED}: {method} {path[:200]} {raw and raw[:400]}: {answer}"
                if isinstance(answer, dict) and isinstance(answer.get("id"), int):
                    known["id"] = known["id"][-6:] + [answer["id"]]
            over.close()
            alive(s, api)
            print(f"# {sum(answers.values())} calls, seed {SEED}: {dict(sorted(answers.items()))}; "
                  f"slowest {slowest:.2f} s")
            assert any(200 <= a < 300 for a in answers) and answers[400] > 20, answers
            s.end()
        with host(p, *SERVE) as s:  # what was stored is no hindrance
            alive(s, Api(p, s))
            s.end()


def bytes_of_no_meaning():
    r = random.Random(SEED)
    with Place() as p, host(p) as s:
        api = Api(p, s)
        good = (f"POST /api/v1/apps HTTP/1.1\r\nHost: localhost:{api.port}\r\nAuthorization: Bearer "
                f"{api.token}\r\nContent-Type: application/json\r\nContent-Length: 13\r\n\r\n"
                '{"title":"a"}').encode()
        for i in range(max(60, int(15 * SECONDS))):
            data = bytearray(good)
            for _ in range(r.choice((1, 1, 2, 5, 50))):
                at = r.randrange(len(data))
                data[at:at + r.choice((0, 1, 1, 20))] = r.randbytes(r.choice((0, 1, 1, 4, 30)))
            c = api.connect()
            try:
                c.settimeout(0.15)  # an unfinished request is waited for by the host, not here
                c.sendall(data)
                said = c.recv(200)
                assert not said or said.startswith(b"HTTP/1.1 "), said
                assert not said.startswith(b"HTTP/1.1 500"), bytes(data)
            except (TimeoutError, ConnectionError, ssl.SSLError):
                pass
            finally:
                c.close()
        alive(s, api)
        s.end()


def facts(server):
    proc = pathlib.Path(f"/proc/{server.p.pid}")
    rss = next(int(line.split()[1]) for line in (proc / "status").read_text().splitlines()
               if line.startswith("VmRSS"))
    return len(os.listdir(proc / "fd")), rss


async def one(api, number, outcomes):
    """A call on a connection of its own."""
    path, method, body = (("/status", "GET", b""), ("/clients", "GET", b""), ("/apps", "POST", b'{"title":1}'),
                          ("/apps", "GET", b""), ("/nothing", "GET", b""))[number % 5]
    right = {"/nothing": 404}.get(path, 200 if method == "GET" else 400)
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", api.port, ssl=api.context,
                                                       ssl_handshake_timeout=2 * PATIENCE)
    except (OSError, ssl.SSLError) as e:
        outcomes[repr(e)[:60]] += 1
        return
    try:
        writer.write(f"{method} /api/v1{path} HTTP/1.1\r\nHost: localhost:{api.port}\r\nAuthorization: "
                     f"Bearer {api.token}\r\nContent-Type: application/json\r\nConnection: close\r\n"
                     f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        said = await reader.read()
        assert said.startswith(b"HTTP/1.1 "), said[:100]
        status = int(said.split()[1])
        assert status in (right, 429, 503), (path, said[:300])
        outcomes[status] += 1
    finally:
        writer.close()


async def rush(api, count):
    outcomes = collections.Counter()
    await asyncio.wait_for(asyncio.gather(*(one(api, i, outcomes) for i in range(count))), 2 * PATIENCE)
    return outcomes


def a_thousand_at_once():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        api.expect(200, "GET", "/status")
        fds, _ = facts(s)
        memory = []
        for _ in range(2 if SECONDS < 10 else 6):
            begin = time.monotonic()
            outcomes = asyncio.run(rush(api, 1000))
            print(f"# {dict(outcomes)} in {time.monotonic() - begin:.1f} s", flush=True)
            assert set(outcomes) <= {200, 400, 404, 429, 503} and outcomes[200] > 20, outcomes
            alive(s, api)
            until(lambda: facts(s)[0] <= fds + 2, lambda: f"{facts(s)[0]} descriptors, before {fds}")
            memory.append(facts(s)[1])
        if not os.environ.get("PF_SANITIZE"):  # which keeps freed memory
            assert memory[-1] < memory[0] * 1.25 + 2048, f"KiB of memory: {memory}"
        s.end()


main([what_the_schemas_suggest, bytes_of_no_meaning, a_thousand_at_once])
