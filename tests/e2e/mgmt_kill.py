#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Kills the host at random points while settings, clients, apps and their pictures are
written over the API. What was acknowledged must be there when it starts again, what was
not is there whole or not at all, and it always starts.

usage: mgmt_kill.py PUNKTFUNK-HOST [--rounds N] [--seed S]. Prints TAP."""
import argparse
import http.client
import json
import os
import random
import subprocess
import threading
import time

from host_bed import Place, main
from mgmt_bed import Api, host

CLIENTS = 200
PNG = b"\x89PNG\r\n\x1a\n"
NUMBERS = {"max_sessions": (1, 64), "desk_keep_alive_s": (0, 86400), "repeat_delay_ms": (10, 1000)}
WORDS = {"keyboard_layout": ["us", "de", "fr", "us(intl)"], "clipboard": ["off", "text", "on"],
         "encoder_preset": ["", "ultrafast", "x" * 500]}


class Gone(Exception):
    """The host was killed under a call: whether it counts shows at the next start."""


class Writer(threading.Thread):
    """Changes one thing after the other. `state` is what was acknowledged, `perhaps` what is
    there instead if the call that was cut off counts."""

    def __init__(self, state, seed):
        super().__init__()
        self.state, self.perhaps = state, None
        self.random = random.Random(seed)
        self.acknowledged, self.error = 0, None

    def begin(self, api):
        self.api, self.over = api, api.open()

    def run(self):
        try:
            while True:
                self.step()
                self.perhaps = None
                self.acknowledged += 1
        except Gone:
            pass
        except Exception as e:
            self.error = e
        self.over.close()

    def call(self, after, status, method, path, body=None, **more):
        """`after` is the state if it counts."""
        self.perhaps = after
        try:
            got, answer = self.api.ask(method, path, body, over=self.over, **more)
        except (OSError, http.client.HTTPException) as e:
            raise Gone from e
        assert got == status, f"{method} {path}: {got} {answer}"
        return answer

    def settle(self, found):
        """At the next start."""
        assert self.error is None, self.error
        right = [s for s in (self.state, self.perhaps) if s is not None]
        assert found in right, f"{type(self).__name__}:\n found {found}\n acknowledged " \
            f"{self.state}\n perhaps {self.perhaps}"
        self.state, self.perhaps = found, None


class Settings(Writer):
    def step(self):
        body = {}
        for name in self.random.sample([*NUMBERS, *WORDS, "cursor", "discovery"], 3):
            if self.random.random() < 0.2:
                body[name] = None
            elif name in NUMBERS:
                body[name] = self.random.randint(*NUMBERS[name])
            elif name in WORDS:
                body[name] = self.random.choice(WORDS[name])
            else:
                body[name] = self.random.random() < 0.5
        after = {k: v for k, v in {**self.state, **body}.items() if v is not None}
        self.call(after, 200, "PATCH", "/settings", body)
        self.state = after

    @staticmethod
    def look(api):
        answer = api.expect(200, "GET", "/settings")
        assert "problem" not in answer, answer
        for s in answer["settings"]:  # nothing waits after a start
            assert "console" not in s or s["value"] == s["console"], s
        return {s["name"]: s["console"] for s in answer["settings"] if "console" in s}


class Clients(Writer):
    def step(self):
        who = self.random.choice(sorted(self.state))
        after = {k: dict(v) for k, v in self.state.items()}
        if self.random.random() < 0.02 and len(after) > 20:
            del after[who]
            self.call(after, 204, "DELETE", f"/clients/native/{who}")
        else:
            one = {"name": f"n{self.random.random()}", "grants": self.random.choice(
                ["all", "none", "pointer,keyboard"]), "expires": self.random.choice(
                    [None, "2099-01-31T12:00:00Z"])}
            after[who] = one
            self.call(after, 200, "PATCH", f"/clients/native/{who}", one)
        self.state = after

    @staticmethod
    def look(api):
        return {c["fingerprint"]: {k: c[k] for k in ("name", "grants", "expires")}
                for c in api.expect(200, "GET", "/clients")["clients"]}


class Apps(Writer):
    """By title: what it runs and its picture."""

    def begin(self, api):
        super().begin(api)
        self.ids = {a["title"]: a["id"] for a in api.expect(200, "GET", "/apps")["apps"]}

    def step(self):
        after = {k: dict(v) for k, v in self.state.items()}
        title = self.random.choice(sorted(after)) if after else None
        chance = self.random.random()
        if title is None or (chance < 0.2 and len(after) < 12):
            title = f"app {self.random.random()}"
            after[title] = {"command": "x" * self.random.randint(0, 3000), "art": None}
            self.ids[title] = self.call(after, 201, "POST", "/apps", {
                "title": title, "command": after[title]["command"]})["id"]
        elif chance < 0.3:
            del after[title]
            self.call(after, 204, "DELETE", f"/apps/{self.ids[title]}")
        elif chance < 0.65:
            after[title]["command"] = f"run {self.random.random()}"
            self.call(after, 200, "PATCH", f"/apps/{self.ids[title]}",
                      {"command": after[title]["command"]})
        elif chance < 0.75 and after[title]["art"]:
            after[title]["art"] = None
            self.call(after, 204, "DELETE", f"/apps/{self.ids[title]}/art")
        else:
            data = PNG + self.random.randbytes(self.random.randint(1, 60000))
            after[title]["art"] = data[:40]
            self.call(after, 204, "PUT", f"/apps/{self.ids[title]}/art", raw=data,
                      Content_Type="image/png")
        self.state = after

    @staticmethod
    def look(api):
        found = {}
        for a in api.expect(200, "GET", "/apps")["apps"]:
            if not a["builtin"]:
                art = api.expect(200, "GET", f"/apps/{a['id']}/art") if a["art"] == "kept" else None
                found[a["title"]] = {"command": a["command"], "art": art and art[:40]}
        return found


def seed_clients(place):
    folder = place.dir / "data_home" / "punktfunk"
    folder.mkdir(mode=0o700)
    (folder / "clients.json").write_text(json.dumps({"version": 1, "clients": [
        {"plane": "native", "fingerprint": f"{i:064x}", "name": "n", "grants": "all",
         "paired": "2026-01-02T03:04:05Z"} for i in range(CLIENTS)]}))
    place.own()


def nothing_half_is_left(place):
    left = [str(f) for f in place.dir.rglob("*.pf-new")]
    assert not left, left


def killed_while_starting(place, after_s):
    """Where it is by then, nobody knows."""
    p = subprocess.Popen(
        place.argv("serve", "--port", "0", "--mgmt-port", "0", "--spare-desk=no", "--display-backend",
                   "pattern", "--audio=no"),
        env=place.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(after_s)
    p.kill()
    p.wait()


def kills(rounds, seed):
    rng = random.Random(seed)
    writers = [kind({}, rng.random()) for kind in (Settings, Clients, Apps)]
    acknowledged, cut, counted, began = 0, 0, 0, time.monotonic()
    with Place() as p:
        seed_clients(p)
        writers[1].state = {f"{i:064x}": {"name": "n", "grants": "all", "expires": None}
                            for i in range(CLIENTS)}
        for number in range(rounds + 1):
            if number % 4 == 3:
                killed_while_starting(p, rng.uniform(0, 0.5))
            with host(p) as s:
                api = Api(p, s)
                nothing_half_is_left(p)
                for w in writers:
                    before = w.perhaps
                    w.settle(w.look(api))
                    cut += before is not None
                    counted += before is not None and w.state == before
                if number == rounds:
                    s.end()
                    break
                writers = [type(w)(w.state, rng.random()) for w in writers]
                for w in writers:
                    w.begin(api)
                    w.start()
                time.sleep(rng.uniform(0, 0.6))
                s.p.kill()
                for w in writers:
                    w.join()
                    acknowledged += w.acknowledged
    print(f"# {rounds} kills, seed {seed}, {time.monotonic() - began:.0f} s: {acknowledged} changes were "
          f"acknowledged, {cut} were cut off, {counted} of these counted", flush=True)
    assert acknowledged > rounds, "too few changes for a test"


def a_first_start_that_is_killed(rounds, seed):
    rng = random.Random(seed)
    for _ in range(max(2, rounds // 20)):
        with Place() as p:
            for _ in range(2):
                killed_while_starting(p, rng.uniform(0, 0.5))
            with host(p) as s:
                Api(p, s).expect(200, "GET", "/status")
                nothing_half_is_left(p)
                s.p.kill()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("host")
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seed", type=int, default=None)
    options = parser.parse_args()
    chosen = options.seed if options.seed is not None else int.from_bytes(os.urandom(4), "big")

    def acknowledged_changes_survive_kills():
        kills(options.rounds, chosen)

    def a_killed_first_start_is_made_good():
        a_first_start_that_is_killed(options.rounds, chosen)

    print(f"# seed {chosen}")
    main([acknowledged_changes_survive_kills, a_killed_first_start_is_made_good])
