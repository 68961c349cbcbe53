#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What an operator does to sessions and desks, by the API and by commands, each seen in its
effect: the client hears it, the encoder obeys, the desk is gone.

usage: mgmt_sessions.py PUNKTFUNK-HOST PUNKTFUNK-PROBE [PF-PATTERN]. Prints TAP."""
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

from host_bed import PATIENCE, Place, Server, Skip, main, until
from mgmt_bed import Api, expect, host

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
PROBE = sys.argv[2]
PATTERN = sys.argv[3] if len(sys.argv) > 3 else None
SERVE = ("--trust-on-first-use", "--display-options", "scene=scroll", "--desk-keep-alive-s", "600")


class Viewer:
    """A punktfunk client of its own that streams until it is told to end."""

    def __init__(self, place, server, name="sofa", *args):
        self.p = subprocess.Popen(
            [PROBE, "connect", "127.0.0.1:" + server.words()["port"], "--trust-first", "--json",
             "--identity", str(place.dir / (name + ".pem")), "--name", name, "--mode", "640x360@30",
             "--seconds", "600", *args],
            env={**os.environ, "XDG_DATA_HOME": str(place.dir / "device")}, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.kill()
        self.p.communicate()

    def closed(self):
        """(report, words) of a stream that the host ended."""
        out, err = self.p.communicate(timeout=PATIENCE)
        assert self.p.returncode == 4, f"probe ended with {self.p.returncode}: {err}{out}"
        return json.loads(out), err


def sessions(api):
    return [s for s in api.expect(200, "GET", "/status")["sessions"] if s["live"]]


def streaming(api, name):
    """The session of this client, once pictures flow."""
    def found():
        return [s for s in sessions(api) if s["name"] == name and s.get("frames_sent")]
    until(found, f"pictures for {name}")
    return found()[0]


def desks(api):
    return api.expect(200, "GET", "/displays")["desks"]


def there(s):
    return f"/sessions/{s['plane']}/{s['id']}"


def one(api, s):
    return next(x for x in sessions(api) if (x["plane"], x["id"]) == (s["plane"], s["id"]))


def what_the_host_is():
    with Place() as p, host(p) as s:
        api, words = Api(p, s), s.words()
        h = api.expect(200, "GET", "/host")
        assert h["fingerprint"] == words["fingerprint"] and h["user"] == words["user"], h
        assert h["ports"] == {"native": int(words["port"]), "mgmt": int(words["mgmt"])}, h
        assert h["display_backend"] == "pattern" and not h["gamestream"], h
        assert [words["encoder"], "H.264"] in [[e["name"], *e["codecs"][:1]] for e in h["encoders"]]
        assert f" {h['version']}," in expect(p.run("version"), 0), h
        assert h["id"] == (p.dir / "data_home/punktfunk/host_id").read_text().strip()
        assert h["name"] == socket.gethostname() and h["kernel"] == os.uname().release, h
        assert h["os"] in pathlib.Path("/etc/os-release").read_text(), h
        s.end()


def a_session_is_asked_set_and_stopped():
    with Place() as p, host(p, *SERVE) as s:
        api = Api(p, s)
        with Viewer(p, s, "sofa", "--bitrate", "4000") as v, \
                api.listen("session,displays") as heard:
            x = streaming(api, "sofa")
            mine, = desks(api)
            assert mine["state"] == "live" and mine["client"] == x["client"], mine
            assert mine["client_name"] == "sofa" and mine["name"] == x["desk"], (mine, x)
            assert mine["mode"] == x["mode"] == "640x360@30" and mine["left_s"] is None, mine
            api.expect(409, "DELETE", f"/displays/{mine['id']}")
            # A keyframe, when it is asked for.
            before = one(api, x)["idrs"]
            api.expect(204, "POST", there(x) + "/keyframe", {})
            until(lambda: one(api, x)["idrs"] > before, "a keyframe")
            # The encoder takes the rate, and the client is told.
            assert one(api, x)["limit_kbps"] is None
            said = api.expect(200, "PATCH", there(x), {"bitrate_kbps": 1500})
            assert said == {"bitrate_kbps": 1500}
            until(lambda: one(api, x)["target_kbps"] == 1500, "the new rate")
            assert one(api, x)["limit_kbps"] == 1500
            for wrong in (499, 8000001, 0, -1, "1500", 1500.5, True):
                api.expect(400, "PATCH", there(x), {"bitrate_kbps": wrong})
            api.expect(400, "PATCH", there(x), {})
            api.expect(400, "PATCH", there(x), {"mode": "1x1"})
            assert one(api, x)["target_kbps"] == 1500
            assert api.expect(200, "PATCH", there(x), {"bitrate_kbps": None}) == {"bitrate_kbps": None}
            until(lambda: one(api, x)["target_kbps"] == 4000, "the client's rate")
            for gone in ("native/999999", "gamestream/1", "native/0", "native/x", "other/1"):
                for method, behind, body in (("DELETE", "", None), ("POST", "/keyframe", {}),
                                             ("PATCH", "", {"bitrate_kbps": 2000})):
                    api.expect(404, method, f"/sessions/{gone}{behind}", body)
            api.expect(204, "DELETE", there(x))
            report, err = v.closed()
            assert report["close_code"] == 0 and "operator" in report["close_text"], report
            assert report["bitrate_changes"] == 2, report
            api.expect(404, "DELETE", there(x))
            assert heard.next("session.ended")[1] == {"plane": "native", "id": x["id"]}
        # The desk stays for its time, and the client that comes back finds it.
        until(lambda: desks(api)[0]["state"] == "kept", "the desk is kept")
        kept, = desks(api)
        assert kept["id"] == mine["id"] and 0 < kept["left_s"] <= 600, kept
        with Viewer(p, s, "sofa") as v, api.listen("session,displays") as heard:
            x = streaming(api, "sofa")
            assert x["desk_origin"] == "kept" and desks(api)[0]["id"] == mine["id"]
            api.expect(409, "DELETE", f"/displays/{mine['id']}")
            api.expect(204, "DELETE", there(x))
            v.closed()
            until(lambda: desks(api)[0]["state"] == "kept", "the desk is kept")
            api.expect(204, "DELETE", f"/displays/{mine['id']}")
            until(lambda: not desks(api), "the desk is gone")
            while heard.next("displays.changed") and desks(api):
                pass
        for gone in (mine["id"], 0, "x", "1x", 4294967296):
            api.expect(404, "DELETE", f"/displays/{gone}")
        s.end()


def status_has_the_figures_of_the_last_second():
    with Place() as p, host(p, *SERVE) as s, Viewer(p, s, "sofa", "--bitrate", "4000") as v:
        api, same = Api(p, s), []
        names = ("fps", "bitrate_kbps", "target_kbps", "loss_percent", "parity_percent", "rtt_ms",
                 "stages")
        x = streaming(api, "sofa")

        def compared():
            before = api.expect(200, "GET", "/stats/live")
            now = one(api, x)
            if before == api.expect(200, "GET", "/stats/live") and before["sessions"]:
                row, = before["sessions"]
                same.append({n: (now[n], row[n]) for n in names})
            return same and all(same[-1]["stages"][0].values()) and same[-1]["rtt_ms"][0]
        until(compared, "two looks within one second, and every figure")
        for figures in same:
            assert all(a == b for a, b in figures.values()), figures
        last = {n: a for n, (a, b) in same[-1].items()}
        assert 1 < last["fps"] < 40 and last["bitrate_kbps"] > 10, last
        assert last["stages"]["total_ms"]["p50"] >= last["stages"]["encode_ms"]["p50"], last
        expect(p.run("status"), 0, "sofa: native/", " fps, ", "sent for 4000", "encode ", "in all ",
               "round trip")
        expect(p.run("sessions"), 0, "sofa", f"native/{x['id']}", "LOSS %")
        api.expect(204, "DELETE", there(x))
        v.closed()
        s.end()


def without_keep_alive_the_desk_ends_with_the_session():
    with Place() as p, host(p, *SERVE[:-1], "0") as s, Viewer(p, s) as v:
        api = Api(p, s)
        x = streaming(api, "sofa")
        api.expect(204, "DELETE", there(x))
        v.closed()
        until(lambda: not desks(api) and not sessions(api), "all is gone")
        s.end()


def a_client_that_steers_stays_below_the_operator():
    """Without --bitrate the client asks for more by itself; what it is granted is less."""
    with Place() as p, host(p, *SERVE, "--bitrate-default-kbps", "20000") as s, Viewer(p, s) as v:
        api = Api(p, s)
        x = streaming(api, "sofa")
        api.expect(200, "PATCH", there(x), {"bitrate_kbps": 6000})
        until(lambda: one(api, x)["target_kbps"] <= 6000, "the limit")
        first = one(api, x)["frames_sent"]
        highest = 0

        def watched():
            nonlocal highest
            now = one(api, x)
            highest = max(highest, now["target_kbps"])
            return now["frames_sent"] > first + 60  # two seconds: it has asked
        until(watched, "pictures")
        assert highest <= 6000, highest
        api.expect(204, "DELETE", there(x))
        report, _ = v.closed()
        assert report["bitrate_changes"] >= 1, report
        s.end()


def bed():
    try:
        import cryptography  # noqa: F401
    except ImportError as e:
        raise Skip("python3-cryptography is not installed") from e
    import gs_bed
    return gs_bed


def a_moonlight_session_is_asked_set_and_stopped():
    gs_bed = bed()
    from gs import client, control
    with gs_bed.host("--audio-backend", "null", *SERVE[1:]) as h:
        api = Api(h.place, h)
        with client.Session(h.clients[0]) as c:
            c.start().frames(2)
            x = streaming(api, "client 0")
            wished = x["target_kbps"]
            assert x["plane"] == "gamestream" and x["limit_kbps"] is None, x
            before = one(api, x)["idrs"]
            api.expect(204, "POST", there(x) + "/keyframe", {})
            c.until(lambda: one(api, x)["idrs"] > before, "a keyframe")
            api.expect(200, "PATCH", there(x), {"bitrate_kbps": 1500})
            c.until(lambda: one(api, x)["target_kbps"] == 1500, "the new rate")
            assert one(api, x)["limit_kbps"] == 1500 != wished
            api.expect(400, "PATCH", there(x), {"bitrate_kbps": 8000001})
            api.expect(200, "PATCH", there(x), {"bitrate_kbps": None})
            c.until(lambda: one(api, x)["target_kbps"] == wished, "the client's rate")
            mine, = desks(api)
            assert mine["client"] == x["client"] and mine["state"] == "live", mine
            api.expect(409, "DELETE", f"/displays/{mine['id']}")
            c.frames(2)
            api.expect(204, "DELETE", there(x))
            assert c.ended() == control.NORMAL_END
            api.expect(404, "DELETE", there(x))
        until(lambda: desks(api)[0]["state"] == "kept", "the desk is kept")
        # It resumes what it left.
        assert h.clients[0].info()["currentgame"] != "0"
        with client.Session(h.clients[0]) as c:
            c.start(resume=True).frames(2)
            assert desks(api)[0]["id"] == mine["id"]
            expect(h.place.run("sessions"), 0, "gamestream/", "client 0")
            expect(h.place.run("stop", "client 0"), 0, "stopped")
            assert c.ended() == control.NORMAL_END
        until(lambda: desks(api)[0]["state"] == "kept", "the desk is kept")
        api.expect(204, "DELETE", f"/displays/{mine['id']}")
        until(lambda: not desks(api), "the desk is gone")
        assert h.clients[0].info()["currentgame"] == "0"


def commands_do_the_same():
    with Place() as p:
        for command in (["sessions"], ["stop", "all"], ["keyframe", "1"], ["displays", "release", "1"]):
            expect(p.run(*command), 1, "runs for this user", "punktfunk-host serve")
        expect(p.run("displays"), 0, "null       yes", "pattern    yes")
        with host(p, *SERVE) as s:
            api = Api(p, s)
            expect(p.run("sessions"), 0, "nobody streams")
            expect(p.run("displays"), 0, "the running host uses pattern: display_backend names it",
                   "it has no desk")
            with Viewer(p, s, "sofa") as a, Viewer(p, s, "kitchen") as b:
                sofa, kitchen = streaming(api, "sofa"), streaming(api, "kitchen")
                listed = expect(p.run("sessions"), 0, "sofa", "kitchen", "640x360@30", "H.264")
                assert f"native/{sofa['id']}" in listed, listed
                expect(p.run("displays"), 0, "live", "sofa", "640x360@30")
                expect(p.run("displays", "release", str(desks(api)[0]["id"])), 1, "stop the session")
                before = one(api, sofa)["idrs"]
                expect(p.run("keyframe", f"native/{sofa['id']}"), 0)
                until(lambda: one(api, sofa)["idrs"] > before, "a keyframe")
                expect(p.run("sessions", "set", sofa["client"][:8], "--bitrate", "2000"), 0,
                       "2000 kbit/s")
                until(lambda: one(api, sofa)["target_kbps"] == 2000, "the rate")
                expect(p.run("sessions"), 0, " 2000 ", "limited")
                expect(p.run("sessions", "set", "sofa", "--bitrate", "1"), 1, "500")
                expect(p.run("sessions", "set", "sofa", "--bitrate", "auto"), 0)
                until(lambda: one(api, sofa)["limit_kbps"] is None, "no limit")
                expect(p.run("stop", "bath"), 1, "no session")
                expect(p.run("stop", "sofa"), 0, "stopped")
                assert a.closed()[0]["close_code"] == 0
                expect(p.run("stop", "all"), 0, f"native/{kitchen['id']} stopped")
                assert b.closed()[0]["close_code"] == 0
            until(lambda: [d["state"] for d in desks(api)] == ["kept"] * 2, "both are kept")
            expect(p.run("displays"), 0, "kept", "s left", "sofa", "kitchen")
            for d in desks(api):
                expect(p.run("displays", "release", str(d["id"])), 0)
            until(lambda: not desks(api), "the desks are gone")
            expect(p.run("displays", "release", "77"), 1, "no such desk")
            s.end()
        for usage in (["sessions", "bogus"], ["sessions", "set", "x"], ["stop"], ["keyframe"],
                      ["displays", "release"], ["displays", "release", "x"], ["stop", "a", "b"],
                      ["displays", "bogus"]):
            expect(p.run(*usage), 2)


def each_backend_says_what_it_lacks():
    """A compositor that says nothing keeps the one waiting who asked, and nobody else."""
    with Place() as p:
        silent = socket.socket(socket.AF_UNIX)
        silent.bind(str(p.dir / "silent"))
        silent.listen(8)
        p.own()
        built = "session" in p.run("displays", "--session-socket", "/nowhere").stdout
        with host(p, "--session-socket", str(p.dir / "silent")) as s:
            api, answers = Api(p, s), []
            asked = [threading.Thread(target=lambda: answers.append(Api(p, s).expect(
                200, "GET", "/displays"))) for _ in range(8)]
            for a in asked:
                a.start()
            if built:
                silent.settimeout(PATIENCE)
                c, _ = silent.accept()
                for _ in range(20):
                    api.expect(200, "GET", "/health")
                assert not answers, "the compositor was not waited for"
                silent.close()
                c.close()
            for a in asked:
                a.join(timeout=PATIENCE)
            assert len(answers) == 8, len(answers)
            rows = {b["name"]: b for b in answers[0]["backends"]}
            assert rows["pattern"]["chosen"] and rows["pattern"]["usable"]
            assert [n for n, b in rows.items() if b["chosen"]] == ["pattern"]
            assert rows["pattern"]["why"] == "display_backend names it", rows
            assert rows["null"] == {"name": "null", "usable": True, "chosen": False,
                                    "why": "display_backend names pattern"}, rows
            if built:
                assert not rows["session"]["usable"] and rows["session"]["why"], rows
                assert rows["wlroots"]["usable"] == bool(shutil.which("sway")), rows
            s.end()
        silent.close()


def a_released_spare_desk_stays_away_until_somebody_came():
    with Place() as p, Server(p, "--display-backend", "null", "--audio=no", "--trust-on-first-use",
                              "--spare-desk=yes", "--desk-keep-alive-s", "0") as s:
        assert s.line, s.stderr()
        api = Api(p, s)
        until(lambda: [d["state"] for d in desks(api)] == ["spare"], "the spare desk")
        spare, = desks(api)
        assert spare["client"] is None and spare["left_s"] is None, spare
        assert api.expect(200, "GET", "/status")["spare_desk"]["ready"]
        expect(p.run("displays"), 0, "spare")
        api.expect(204, "DELETE", f"/displays/{spare['id']}")
        until(lambda: not desks(api), "the spare desk is gone")
        api.expect(404, "DELETE", f"/displays/{spare['id']}")
        assert not api.expect(200, "GET", "/status")["spare_desk"]["ready"]
        s.end()


def a_host_that_ends_amid_a_survey():
    with Place() as p:
        silent = socket.socket(socket.AF_UNIX)
        silent.bind(str(p.dir / "silent"))
        silent.listen(8)
        p.own()
        if "session" not in p.run("displays", "--session-socket", "/nowhere").stdout:
            raise Skip("this build knows no compositor")
        with host(p, "--session-socket", str(p.dir / "silent")) as s:
            got = []

            def ask():
                try:
                    got.append(Api(p, s).ask("GET", "/displays")[0])
                except OSError:
                    got.append(503)
            t = threading.Thread(target=ask)
            t.start()
            c, _ = silent.accept()
            s.p.terminate()
            t.join(timeout=PATIENCE)
            assert got == [503], got
            c.close()
            silent.close()
            assert s.p.wait(timeout=PATIENCE) == 0, s.stderr()
            t.join(timeout=PATIENCE)


def a_real_desk_is_released_with_all_that_runs_on_it():
    if not PATTERN or not shutil.which("sway"):
        raise Skip("sway is not installed, or this build has no pf-pattern")
    gs_bed = bed()
    with Place() as p:
        gs_bed.desk_tools(p, PATTERN)
        command = gs_bed.desk_command(p, "exec pf-pattern")
        with Server(p, "--display-backend", "wlroots", "--audio=no", "--trust-on-first-use",
                    "--desk-keep-alive-s", "600") as s:
            assert s.line, s.stderr()
            api = Api(p, s)
            app = api.expect(201, "POST", "/apps", {"title": "Pattern", "command": command})["id"]
            with Viewer(p, s, "sofa", "--launch", str(app)) as v, \
                    api.listen("session,game,displays") as heard:
                assert heard.next("session.started")
                assert heard.next("game.started")[1]["title"] == "Pattern"
                x = streaming(api, "sofa")
                mine, = desks(api)
                assert (mine["backend"], mine["app"]) == ("wlroots", "Pattern"), mine
                until(lambda: desks(api)[0]["memory_kib"], "what the compositor takes")
                assert 1000 < desks(api)[0]["memory_kib"] < 4 << 20, desks(api)
                until(lambda: len(gs_bed.programs(p)) == 2, "sway and the pattern")
                rows = {b["name"]: b for b in api.expect(200, "GET", "/displays")["backends"]}
                assert rows["wlroots"]["chosen"] and rows["wlroots"]["usable"], rows
                api.expect(204, "DELETE", there(x))
                assert v.closed()[0]["close_code"] == 0
                assert heard.next("session.ended")
                until(lambda: desks(api)[0]["state"] == "kept", "the desk is kept")
                assert len(gs_bed.programs(p)) == 2, "the programs go on"
                api.expect(204, "DELETE", f"/displays/{mine['id']}")
                assert heard.next("game.ended")[1]["title"] == "Pattern"
            until(lambda: not desks(api), "the desk is gone")
            assert not gs_bed.programs(p), gs_bed.programs(p)
            s.end()


main([what_the_host_is, a_session_is_asked_set_and_stopped,
      status_has_the_figures_of_the_last_second, without_keep_alive_the_desk_ends_with_the_session,
      a_client_that_steers_stays_below_the_operator, a_moonlight_session_is_asked_set_and_stopped,
      commands_do_the_same, each_backend_says_what_it_lacks,
      a_released_spare_desk_stays_away_until_somebody_came, a_host_that_ends_amid_a_survey,
      a_real_desk_is_released_with_all_that_runs_on_it])
