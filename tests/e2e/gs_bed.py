# SPDX-License-Identifier: MIT OR Apache-2.0
"""A host with the GameStream plane, and clients for it that are paired already."""
import atexit
import contextlib
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

import host_bed  # noqa: E402

try:
    import cryptography  # noqa: F401
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

from gs import client, web  # noqa: E402

_identities = []


def identities(count):
    """Hosts know clients by certificate, so one key does for all: making one costs a
    loaded machine a second."""
    while len(_identities) < count:
        _identities.append(web.Identity(_identities[0].key if _identities else None))
    return _identities[:count]


def trust(place, who):
    """Writes the list of paired clients: identity to grants."""
    folder = pathlib.Path(place.env["XDG_DATA_HOME"]) / "punktfunk"
    folder.mkdir(mode=0o700, exist_ok=True)
    file = folder / "clients.json"
    file.write_text(json.dumps({"version": 1, "clients": [
        {"name": f"client {i}", "plane": "gamestream", "fingerprint": identity.fingerprint,
         "grants": grants, "paired": "2026-01-31T12:00:00Z", "seen": "", "expires": ""}
        for i, (identity, grants) in enumerate(who.items())]}))
    file.chmod(0o600)
    place.own()


class Host(host_bed.Server):
    """Serves GameStream on free ports. `clients` are Web objects, paired."""

    def __init__(self, place, *args, clients=1, grants="all", display="pattern", **env):
        who = identities(clients)
        if isinstance(grants, str):
            grants = [grants] * clients
        trust(place, dict(zip(who, grants)))
        self.place = place
        super().__init__(place, "--gamestream", "--gamestream-port", "0", "--mgmt-port", "0",
                         "--display-backend", display, "--max-sessions", "16", *args, **env)
        assert self.line, f"the host did not start: {self.stderr()}"
        self.base = int(self.words()["gamestream"])
        self.clients = [web.Web(self.base, identity) for identity in who]

    def command(self, *args):
        """What the operator types; his output."""
        r = self.place.run(*args)
        assert r.returncode == 0, f"{args}: {r.returncode} {r.stdout}{r.stderr}"
        return r.stdout


@contextlib.contextmanager
def host(*args, place=None, **options):
    """A host in a place of its own, ended in order."""
    with contextlib.ExitStack() as stack:
        place = stack.enter_context(place or host_bed.Place())
        server = stack.enter_context(Host(place, *args, **options))
        yield server
        server.end()


def session(w, **announce):
    return client.Session(w, **announce)


class Shared:
    """One host for many short tests; each takes the next client."""

    def __init__(self, *args, clients, **options):
        self.args, self.count, self.options = args, clients, options
        self.stack, self.host, self.next = contextlib.ExitStack(), None, 0
        atexit.register(self.stack.close)  # when a test stopped before its end

    def start(self):
        if not self.host:
            place = self.stack.enter_context(host_bed.Place())
            self.host = self.stack.enter_context(
                Host(place, *self.args, clients=self.count, **self.options))
        return self.host

    def client(self):
        host = self.start()
        self.next += 1
        return host.clients[self.next - 1]

    def end(self):
        """Ends the host in order; what it wrote to its log."""
        with self.stack:
            host, self.host = self.start(), None
            host.end()
            return host.stderr()


class Desk(host_bed.Place):
    """A place with the programs that run inside. `tools`: look, pattern, tone."""

    def __init__(self, tools):
        for program in ("sway", "pipewire"):
            if not shutil.which(program):
                raise host_bed.Skip(f"{program} is not installed")
        if len(tools) < 3:
            raise host_bed.Skip("this build has no tools to look at a desk")
        super().__init__()
        desk_tools(self, *tools[1:])

    def seen(self):
        host_bed.until((self.dir / "seen.json").exists, "the report of the client inside")
        return json.loads((self.dir / "seen.json").read_text())


def programs(d, names=("sway", "pf-pattern", "pf-tone")):
    """Numbers of the processes of these names in a place."""
    mark, found = f"PF_E2E_MARK={d.dir.name}".encode(), []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0") and \
                    (entry / "comm").read_text().strip() in names:
                found.append(entry.name)
        except OSError:
            pass
    return found


def desk_tools(place, *programs):
    """Puts programs where the desk's user may run them."""
    for program in programs:
        shutil.copy(program, place.dir / pathlib.Path(program).name)
    place.env["PF_E2E_MARK"] = place.dir.name
    place.own()


def desk_command(place, text):
    script = place.dir / "session"
    script.write_text(f"#!/bin/sh\ncd {place.dir}\nPATH={place.dir}:$PATH\n{text}\n")
    script.chmod(0o755)
    place.own()
    return str(script)


def slow():
    """How much more patience a sanitizer needs."""
    return 4 if os.environ.get("PF_SANITIZE") else 1
