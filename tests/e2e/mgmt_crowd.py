#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Many clients listen to the events of a host that streams: what they cost it.

usage: mgmt_crowd.py PUNKTFUNK-HOST PUNKTFUNK-PROBE. Prints TAP.
       mgmt_crowd.py PUNKTFUNK-HOST PUNKTFUNK-PROBE --measure [SECONDS [CLIENTS]]
measures on a quiet machine: half of SECONDS (300) without clients, then all with CLIENTS
(200), then half without; fails above 2 % of a core or 1.1 x the stream's p99."""
import contextlib
import json
import os
import pathlib
import selectors
import socket
import ssl
import statistics
import subprocess
import sys
import time

from host_bed import PATIENCE, Place, main, until
from mgmt_bed import Api, host

MODE = "1280x720@60"
TICK = os.sysconf("SC_CLK_TCK")


class Crowd:
    """Clients that read what comes, and some that do not."""

    def __init__(self, api, count, stalled=0):
        self.selector, self.text, self.all, self.ended = selectors.DefaultSelector(), {}, [], 0
        for i in range(count):
            raw = socket.socket()
            if i < stalled:
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            raw.settimeout(PATIENCE)
            raw.connect(("127.0.0.1", api.port))
            c = api.context.wrap_socket(raw)
            c.sendall(f"GET /api/v1/events HTTP/1.1\r\nHost: localhost:{api.port}\r\n"
                      f"Authorization: Bearer {api.token}\r\n\r\n".encode())
            self.all.append(c)
            if i < stalled:
                continue
            c.setblocking(False)
            self.text[c] = b""
            self.selector.register(c, selectors.EVENT_READ)

    def read(self, seconds):
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            for key, _ in self.selector.select(left):
                self.take(key.fileobj)

    def take(self, c):
        try:
            while data := c.recv(65536):
                self.text[c] += data
        except ssl.SSLWantReadError:
            return
        self.ended += 1
        self.selector.unregister(c)

    def count(self, name):
        """How many such events each of them had."""
        return [t.count(f"event: {name}\n".encode()) for t in self.text.values()]

    def close(self):
        self.selector.close()
        for c in self.all:
            c.close()


class Use:
    """Processor time of the host's threads: of all, and of those that events run on."""

    def __init__(self, pid):
        self.at, self.events = time.monotonic(), 0
        whole = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2]
        self.all = sum(map(int, whole.split()[11:13])) / TICK
        for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
            try:
                head = (task / "stat").read_text()
                used = int((task / "schedstat").read_text().split()[0]) / 1e9
            except OSError:
                continue
            # The control loop is the first thread, the server names its own.
            if task.name == str(pid) or "(MHD" in head:
                self.events += used

    def since(self, before):
        """Percent of a core: (all, those of events)."""
        seconds = self.at - before.at
        return (100 * (self.all - before.all) / seconds, 100 * (self.events - before.events) / seconds)


def rss_kib(pid):
    text = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


def streaming(server, seconds):
    return subprocess.Popen(
        [sys.argv[2], "connect", "127.0.0.1:" + server.words()["port"], "--mode", MODE, "--bitrate",
         "8000", "--seconds", str(seconds), "--json", "--pin-fingerprint",
         server.words()["fingerprint"]], text=True, stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE)


def nice(level):
    with contextlib.suppress(PermissionError):  # back again as root only
        os.setpriority(os.PRIO_PROCESS, 0, level)


def phase(api, server, seconds, clients=0, stalled=0):
    """One stream of so many seconds, with a crowd or without: its figures."""
    pid, crowd = server.p.pid, None
    probe = streaming(server, seconds + 4)
    until(lambda: [x for x in api.expect(200, "GET", "/stats/live")["sessions"] if x["fps"] > 1],
          "it streams")
    nice(19)  # the clients stand for other machines: they take what is left of this one
    if clients:
        crowd = Crowd(api, clients, stalled)
        crowd.read(1)
    before, p99, rss = Use(pid), [], [rss_kib(pid)]
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        if crowd:
            crowd.read(min(1, left))
        else:
            time.sleep(min(1, left))
        rss.append(rss_kib(pid))
        live = api.expect(200, "GET", "/stats/live")["sessions"]
        p99 += [s["stages"]["total_ms"]["p99"] for s in live if s["stages"]["total_ms"]]
    every, own = Use(pid).since(before)
    nice(0)
    report = json.loads(probe.communicate(timeout=PATIENCE)[0])
    assert probe.returncode == 0, report
    return {"seconds": seconds, "clients": clients, "cpu_percent": every, "events_percent": own,
            "p99_ms": report["captured_to_received_ms"]["p99"],
            "p50_ms": report["captured_to_received_ms"]["p50"],
            "host_p99_ms": statistics.median(p99),
            "rss_kib": [rss[0], rss[len(rss) // 2], rss[-1]], "frames": report["frames_received"],
            "crowd": crowd}


def serving(place):
    return host(place, "--trust-on-first-use", "--encoder", "x264")


def forty_listen_while_it_streams():
    with Place() as p, serving(p) as s:
        api = Api(p, s)
        with_them = phase(api, s, 4, 40)
        crowd = with_them["crowd"]
        live = crowd.count("live")
        assert min(live) >= 2 and max(live) - min(live) <= 1, live
        assert sum(crowd.count("reset")) == 0 and crowd.ended == 0, crowd.ended
        # All had the same, each once and in order.
        assert len({t.partition(b"event: live")[0].count(b"id: ") for t in crowd.text.values()}) == 1
        crowd.close()
        until(lambda: b"punktfunk_event_streams 0\n" in api.expect(200, "GET", "/metrics", root="")
              or not poke(api), "their streams are closed")
        s.end()


def poke(api):
    """Something happens: who is gone is noticed."""
    api.expect(201, "POST", "/pair/arm", {})
    return True


def measure(seconds, clients):
    with Place() as p, serving(p) as s:
        api = Api(p, s)
        without = [phase(api, s, seconds / 2)]
        with_them = phase(api, s, seconds, clients, stalled=4)
        crowd = with_them["crowd"]
        streams = api.expect(200, "GET", "/metrics", root="").decode()
        streams = next(x for x in streams.splitlines() if x.startswith("punktfunk_event_streams "))
        live, resets = crowd.count("live"), sum(crowd.count("reset"))
        crowd.close()
        time.sleep(2)
        without.append(phase(api, s, seconds / 2))
        s.end()
    for f in [without[0], with_them, without[1]]:
        f.pop("crowd")
        print(json.dumps(f))
    cost = with_them["events_percent"] - statistics.mean(f["events_percent"] for f in without)
    ratio = with_them["p99_ms"] / statistics.mean(f["p99_ms"] for f in without)
    grown = with_them["rss_kib"][2] - with_them["rss_kib"][1]
    print(f"{clients} clients, {seconds} s: {cost:.2f} % of a core, p99 x {ratio:.3f}, memory "
          f"{with_them['rss_kib'][1] - without[0]['rss_kib'][2]} KiB for them, {grown} KiB grown in "
          f"the second half; live events each {min(live)} to {max(live)}, {resets} resets, "
          f"{crowd.ended} ended, left at the end: {streams} (4 of them never read)")
    sys.exit(0 if cost <= 2 and ratio <= 1.1 and grown <= 4096 else 1)


if __name__ == "__main__":
    if "--measure" in sys.argv:
        rest = sys.argv[sys.argv.index("--measure") + 1:]
        measure(float(rest[0]) if rest else 300, int(rest[1]) if len(rest) > 1 else 200)
    main([forty_listen_while_it_streams])
