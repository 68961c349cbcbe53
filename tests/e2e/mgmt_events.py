#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The events of a serving host: who listens hears what happened, once and in order.

usage: mgmt_events.py PUNKTFUNK-HOST PUNKTFUNK-PROBE. Prints TAP."""
import json
import re
import subprocess
import sys
import time

from host_bed import PATIENCE, Place, Skip, main, until
from mgmt_bed import FP, Api, expect, host, put_client

ONE = "/clients/gamestream/" + FP


def rename(api, name):
    api.expect(200, "PATCH", ONE, {"name": name})


def all_hear_what_happens_and_resume():
    with Place() as p:
        put_client(p)
        with host(p) as s:
            api = Api(p, s)
            with api.listen() as all_of_it, api.listen("clients,game") as some, \
                    api.listen("displays") as none:
                assert all_of_it.r.headers["Content-Type"] == "text/event-stream"
                assert all_of_it.r.headers["Cache-Control"] == "no-store"
                rename(api, "one")
                assert some.next() == ("clients.changed", {})
                assert all_of_it.next("clients.changed")
                first = some.last
                rename(api, "two")
                assert some.next() == ("clients.changed", {}) and some.last > first
                # Away and back again: what came meanwhile, and nothing else.
                away = some.last
                some.close()
                rename(api, "three")
                with api.listen("clients", Last_Event_ID=away) as back:
                    assert back.next() == ("clients.changed", {}) and back.last > away
                    rename(api, "four")
                    assert back.next() == ("clients.changed", {})
                    newest = back.last
                # The head is newer than the query that a browser keeps.
                with api.listen("clients", after=away, Last_Event_ID=newest) as back:
                    rename(api, "five")
                    assert back.next() == ("clients.changed", {}) and back.last > newest
                with api.listen("clients", after=newest) as back:
                    assert back.next() == ("clients.changed", {})
                # Of another host, or of one that is gone.
                for unknown in (1, 9007199254740991):
                    with api.listen("clients", after=unknown) as back:
                        assert back.next() == ("reset", {})
                        rename(api, f"six {unknown}")
                        assert back.next() == ("clients.changed", {})
                s.p.terminate()
                # The host goes: the streams end, and hold nothing up.
                assert none.next() is None
            assert s.p.wait(timeout=20) == 0, s.stderr()


def what_is_wrong_is_said():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        for bad in ({"topics": "weather"}, {"topics": "log,"}, {"after": "x"}, {"after": "-1"},
                    {"after": "9" * 17}):
            with api.listen(**bad) as refused:
                assert refused.status == 400, bad
        with api.listen(Last_Event_ID="new") as refused:
            assert refused.status == 400
        with api.listen(token=False) as refused:
            assert refused.status == 401
        api.expect(405, "POST", "/events", {})
        s.end()


def many_listen_and_there_is_room_for_more():
    """256 streams at most; ordinary requests go on, and who leaves makes room."""
    with Place() as p:
        put_client(p)
        with host(p) as s:
            api = Api(p, s)
            crowd = []
            start = time.monotonic()
            while len(crowd) < 60 and time.monotonic() - start < 8:
                crowd.append(api.listen("clients"))
                assert crowd[-1].status == 200
            assert len(crowd) >= 20, len(crowd)
            rename(api, "all")
            for one in crowd:
                assert one.next() == ("clients.changed", {})
            for one in crowd:
                one.close()
            with api.listen("clients") as last:
                rename(api, "last")
                assert last.next() == ("clients.changed", {})
            s.end()


def probe(command, place, server, *args):
    """A device of its own, always the same."""
    return subprocess.Popen(
        [sys.argv[2], command, "127.0.0.1:" + server.words()["port"], "--quiet",
         *(() if command == "pair" else ("--pin-fingerprint", server.words()["fingerprint"])),
         "--identity", str(place.dir / "device.pem"), *args], stdin=subprocess.DEVNULL)


def sessions_and_who_asks_are_told_where_it_happens():
    with Place() as p, host(p, "--gamestream", "--gamestream-port", "0") as s:
        api = Api(p, s)
        with api.listen("access,pairing,clients,session,displays") as events:
            api.expect(201, "POST", "/pair/arm", {"ttl_s": 1})
            assert events.next("pairing.changed")
            assert events.next("pairing.changed")  # it ran out
            assert not api.expect(200, "GET", "/pair/arm")["armed"]
            waiting = probe("request", p, s)
            assert events.next() == ("access.changed", {})
            request = api.expect(200, "GET", "/access/requests")["requests"][0]
            api.expect(200, "POST", f"/access/requests/{request['id']}/approve", {})
            assert events.next() == ("clients.changed", {})
            assert events.next("access.changed")
            assert waiting.wait(timeout=PATIENCE) == 0
            client = probe("connect", p, s, "--frames", "5")
            name, one = events.next("session.started")
            assert one["plane"] == "native", one
            assert events.next("displays.changed", "session.changed")
            assert events.next("session.ended") == ("session.ended", one)
            assert client.wait(timeout=PATIENCE) == 0
        s.end()


READ_METRICS = """
import json, sys
try:
    from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
except ImportError:
    sys.exit(77)
print(json.dumps([[f.name, [[s.name, sorted(s.labels.items()), s.value] for s in f.samples]]
                  for f in parse(sys.stdin.read())]))
"""


def parsed(text):
    """By family, (sample, its labels) to the value; read by the reference's own parser, which
    is strict, in Debian's Python."""
    r = subprocess.run(["/usr/bin/python3", "-c", READ_METRICS], input=text.decode(), text=True,
                       capture_output=True)
    if r.returncode == 77:
        raise Skip("python3-prometheus-client is not installed")
    assert r.returncode == 0, r.stderr
    return {name: {(s, tuple(map(tuple, labels))): v for s, labels, v in samples}
            for name, samples in json.loads(r.stdout)}


def figures_of_each_second():
    with Place() as p, host(p, "--trust-on-first-use") as s:
        api = Api(p, s)
        assert api.expect(200, "GET", "/stats/live")["sessions"] == []
        with api.listen("live") as events:
            client = probe("connect", p, s, "--mode", "640x360@30", "--seconds", "60")
            live = []
            while len(live) < 3:
                name, figures = events.next()
                live += [x for x in figures["sessions"] if x["frames_sent"] > 5]
            for before, now in zip(live, live[1:]):
                assert now["frames_sent"] > before["frames_sent"], (before, now)
                assert now["fps"] > 1 and now["bitrate_kbps"] > 1 and now["rtt_ms"] > 0, now
                assert now["target_kbps"] > 0 and now["loss_percent"] < 50, now
                stages = now["stages"]
                for name, stage in stages.items():
                    assert stage and stage["p50"] <= stage["p99"], (name, stage)
                parts = ("capture_ms", "queue_ms", "convert_ms", "encode_ms", "send_ms")
                assert stages["total_ms"]["p50"] >= stages["encode_ms"]["p50"], stages
                assert stages["total_ms"]["p50"] <= sum(stages[x]["p99"] for x in parts) + 0.1, stages
            metrics = parsed(api.expect(200, "GET", "/metrics", root=""))
            who = (("id", str(live[-1]["id"])), ("plane", "native"))
            frames = metrics["punktfunk_session_frames_sent"]["punktfunk_session_frames_sent_total", who]
            assert frames >= live[-1]["frames_sent"], metrics
            stage = metrics["punktfunk_session_stage_seconds"][
                "punktfunk_session_stage_seconds",
                (("id", who[0][1]), ("plane", "native"), ("quantile", "0.99"), ("stage", "total"))]
            assert 0 < stage < 5, stage
            assert metrics["punktfunk_sessions"]["punktfunk_sessions", ()] == 1
            assert metrics["punktfunk_event_streams"]["punktfunk_event_streams", ()] == 1
            # The command line's twins.
            number = expect(p.run("stats", "record", "of the test"), 0).strip()
            expect(p.run("stats"), 0, "native/1: ", " frames/s", "total ")
            expect(p.run("events", "live", "--count", "1"), 0, 'live {"at":')
            until(lambda: api.expect(200, "GET", "/stats/recordings/" + number)["samples"], "it keeps")
            expect(p.run("stats", "list"), 0, "of the test, runs")
            expect(p.run("stats", "stop", number), 0)
            assert json.loads(expect(p.run("stats", "show", number), 0))["samples"][0]["sessions"]
            expect(p.run("stats", "remove", number), 0)
            expect(p.run("stats", "show", number), 1, "no such recording")
            expect(p.run("events", "weather"), 1, "list, by commas")
            # What is asked is what was told.
            until(lambda: events.next()[1] == api.expect(200, "GET", "/stats/live"), "the same")
            client.terminate()
            client.wait()
            while events.next()[1]["sessions"]:
                pass
        s.end()


def lines_of_the_log_and_no_secret_in_them():
    with Place() as p:
        put_client(p)
        with host(p, "--log-level", "debug") as s:
            api = Api(p, s)
            with api.listen("log") as events:
                shown = api.expect(201, "POST", "/pair/arm", {})
                client = probe("pair", p, s, "--pin", shown["pin"])
                told = []
                while not any("paired" in x["text"] for x in told):
                    told += events.next("log")[1]["lines"]
                assert client.wait(timeout=PATIENCE) == 0
            lines = api.expect(200, "GET", "/logs?limit=1024")["lines"]
            ids = [x["id"] for x in lines]
            assert ids == list(range(ids[0], ids[0] + len(ids))), ids
            assert all(x in lines for x in told), told
            some = api.expect(200, "GET", f"/logs?after={ids[0]}&limit=2&level=debug")["lines"]
            assert [x["id"] for x in some] == ids[1:3], some
            said = expect(p.run("logs", "--limit", "1024"), 0, "paired")
            assert said.count("\n") >= len(lines), said
            expect(p.run("logs", "--level", "loud"), 1, "level")
            newest = api.expect(200, "GET", "/logs?limit=1&level=info")["lines"]
            assert newest[0]["level"] != "debug", newest
            everything = "\n".join(x["text"] for x in lines) + s.stderr()
            assert api.token[:16] not in everything, "the token is in the log"
            assert not re.search(rf"\b{shown['pin']}\b", everything), "the PIN is in the log"
            s.end()


if __name__ == "__main__":
    main([lines_of_the_log_and_no_secret_in_them, sessions_and_who_asks_are_told_where_it_happens, figures_of_each_second,
          all_hear_what_happens_and_resume, what_is_wrong_is_said,
          many_listen_and_there_is_room_for_more])
