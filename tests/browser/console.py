#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The web console in Debian's Chromium, on a host that streams a headless desk. What is
done on the pages is checked by its effect on the host and on the clients.

usage: console.py PUNKTFUNK-HOST PUNKTFUNK-PROBE PF-PATTERN CONSOLE OUTPUT-DIRECTORY
[TEST...]. Prints TAP."""
import atexit
import contextlib
import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent), str(HERE.parent / "e2e")]

import host_bed  # noqa: E402
from chromium import Browser  # noqa: E402
from gs_bed import desk_command, desk_tools, programs  # noqa: E402
from host_bed import PATIENCE, Place, Server, until  # noqa: E402
from mgmt_bed import Api, conforms, SPEC  # noqa: E402

PROBE, PATTERN, CONSOLE, OUT = sys.argv[2:6]
PAGES = 9
PASSWORD_LINE = re.compile(r"^password: (\S+)$", re.M)


class World:
    """One host with a desk, one browser."""

    def __init__(self):
        stack = self.stack = contextlib.ExitStack()
        atexit.register(stack.close)
        self.place = stack.enter_context(Place())
        desk_tools(self.place, PATTERN)
        (self.place.config / "host.conf").write_text("desk_keep_alive_s = 600\n")
        command = desk_command(self.place, "exec pf-pattern --report seen.json")
        self.server = stack.enter_context(Server(
            self.place, "--display-backend", "wlroots", "--audio=no", "--session-command", command,
            "--gamestream", "--gamestream-port", "0", "--mgmt-console", CONSOLE))
        assert self.server.line.startswith("ready "), self.server.stderr()
        self.api = Api(self.place, self.server)
        self.page = stack.enter_context(Browser(OUT))
        self.root = self.api.origin + "/"
        self.probes = []

    def get(self, path):
        return self.api.expect(200, "GET", path)

    def probe(self, name, command, *args):
        """A device: punktfunk-probe with an identity and a name of its own."""
        home = self.place.dir / ("device-" + name)
        home.mkdir(exist_ok=True)
        p = subprocess.Popen(
            [PROBE, command, "127.0.0.1:" + self.server.words()["port"], "--name", name, "--identity",
             str(home / "identity.pem"), *map(str, args)],
            env={**os.environ, "XDG_DATA_HOME": str(home)}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, stdin=subprocess.DEVNULL)
        self.probes.append(p)
        return p

    def client(self, name):
        return next((c for c in self.get("/clients")["clients"] if c["name"] == name), None)

    def session(self):
        """The one that streams."""
        return next((s for s in self.get("/status")["sessions"] if s["live"]), None)

    def seen(self):
        """What the program in the desk has noticed."""
        file = self.place.dir / "seen.json"
        until(file.exists, "the report of the client in the desk")
        return json.loads(file.read_text())

    def go(self, page):
        if self.page.do("count", what={"role": "dialog"}):  # of a test that failed
            self.page.do("press", key="Escape")
        self.page.do("click", what={"role": "link", "name": page, "within": {"css": "nav"}})
        self.page.wait(role="heading", name=page, exact=True)

    def end(self):
        for p in self.probes:
            if p.poll() is None:
                p.kill()
            p.communicate()
        self.page.close()
        self.server.end()
        until(lambda: not programs(self.place), "the end of all desks")
        self.stack.close()


_world = None


def world():
    global _world
    _world = _world or World()
    assert _world.page.usable, "a test before this one left the pages unusable"
    return _world


def dialog(**what):
    return {**what, "within": {"role": "dialog"}}


# ---- tests ----

def sign_in():
    w = world()
    said = w.place.run("console", "--new-password")
    password = PASSWORD_LINE.search(said.stdout).group(1)
    w.page.usable = False
    w.page.do("open")
    w.page.do("goto", url=w.root)
    field = {"label": "Password", "exact": True}
    w.page.wait(role="heading", name="Sign in")
    w.page.looks_right("sign-in")
    w.page.do("fill", what=field, value="not the password")
    w.page.do("press", key="Enter")
    w.page.wait(text="That password is not right.")
    assert not w.page.cookie(), "a cookie for a wrong password"
    w.page.expect_problems(r"/api/v1/login: 401", r"console error: .*401")
    w.page.do("fill", what=field, value=password)
    w.page.do("press", key="Enter")
    w.page.wait(role="heading", name="Overview")
    w.page.usable = True
    cookie = w.page.cookie()
    assert cookie["httpOnly"] and cookie["secure"] and cookie["sameSite"] == "Strict", cookie
    assert password not in w.page.do("value", expression="document.documentElement.outerHTML + "
                                     "JSON.stringify({...localStorage, ...sessionStorage})")


def a_pin_by_keyboard_alone():
    """Arms a PIN with the keys Tab, Enter and the arrows; a device pairs with it."""
    w = world()
    w.page.tab_to("Pairing", "a")
    w.page.do("press", key="Enter")
    w.page.wait(role="heading", name="Pairing")
    w.page.tab_to("Valid for", "select")
    w.page.do("press", key="ArrowUp")
    w.page.tab_to("Show PIN", "button")
    w.page.do("press", key="Enter")
    w.page.wait(css=".pin")
    armed = w.get("/pair/arm")
    assert armed["armed"] and 0 < armed["left_s"] <= 60, armed
    shown = re.search(r"\d{4}", w.page.texts(css=".pin [aria-hidden]")[0]).group()
    assert shown == armed["pin"], (shown, armed)
    left = w.page.texts(role="timer")
    until(lambda: w.page.texts(role="timer") != left, "the countdown goes on")
    phone = w.probe("Phone", "pair", "--pin", shown, "--json")
    out, err = phone.communicate(timeout=PATIENCE)
    assert phone.returncode == 0 and json.loads(out)["paired"], out + err
    w.page.wait(text="Phone is paired.")
    assert w.client("Phone")["plane"] == "native"
    assert not w.get("/pair/arm")["armed"]


def a_knock_is_let_in_while_it_waits():
    w = world()
    before = w.get("/status")["quic"]["handshakes"]
    tablet = w.probe("Tablet", "connect", "--trust-first", "--json", "--mode", "640x360@30",
                     "--frames", "5", "--timeout", PATIENCE, "--quit")
    w.page.do("click", what={"role": "button", "name": "Approve Tablet"})
    w.page.wait(role="dialog")
    w.page.do("check", what=dialog(role="checkbox", name="Microphone"), value=False)
    w.page.do("click", what=dialog(role="button", name="Approve"))
    out, err = tablet.communicate(timeout=PATIENCE)
    assert tablet.returncode == 0 and json.loads(out)["frames_received"] >= 5, out + err
    assert w.get("/status")["quic"]["handshakes"] == before + 1, "it connected anew"
    grants = w.client("Tablet")["grants"]
    assert "microphone" not in grants and "pointer" in grants, grants
    w.page.wait(text="Tablet has access.")
    until(lambda: not w.get("/access/requests")["requests"], "no request waits")
    w.page.wait(text="No unknown device asks for access.")


def a_moonlight_pin():
    from gs import web
    w = world()
    moonlight = web.Web(int(w.server.words()["gamestream"]), web.Identity())
    failed = []

    def pair():
        try:
            moonlight.pair("7531", lambda: None)
        except Exception as e:  # seen by the thread that waits
            failed.append(e)

    client = threading.Thread(target=pair, daemon=True)
    client.start()
    w.page.do("fill", what={"label": "PIN of roth"}, value="7531")
    w.page.do("press", key="Enter")
    client.join(PATIENCE)
    assert not client.is_alive() and not failed, failed
    w.page.wait(text="roth is paired.")
    assert moonlight.info()["PairStatus"] == "1" and "Desktop" in moonlight.apps()
    assert moonlight.identity.fingerprint in [c["fingerprint"] for c in w.get("/clients")["clients"]], \
        w.get("/clients")
    w.moonlight = moonlight


def a_stream_begins_and_is_shown():
    w = world()
    w.go("Overview")
    w.phone = w.probe("Phone", "connect", "--trust-first", "--json", "--mode", "640x360@30",
                      "--seconds", 600, "--pointer-path")
    until(lambda: w.session(), lambda: f"a stream; {w.phone.poll()} {w.server.stderr()[-2000:]}")
    w.page.wait(css="main", has="Phone")
    w.page.wait(css="main", has="640")
    until(lambda: w.seen()["motions"] > 5, "its pointer moves")


def a_right_is_taken_and_input_refused():
    w = world()
    w.go("Devices")
    w.page.wait(role="row", has="streams now")
    w.page.do("click", what={"role": "button", "name": "Edit Phone"})
    w.page.do("check", what=dialog(role="checkbox", name="Mouse, touch and pen"), value=False)
    w.page.do("click", what=dialog(role="button", name="Save"))
    w.page.wait(text="Phone is changed. It counts at once.")
    assert "pointer" not in w.client("Phone")["grants"]
    denied = w.session()["input_denied"]
    until(lambda: w.session()["input_denied"] > denied + 5, "input is refused")
    moved = w.seen()["motions"]
    denied = w.session()["input_denied"]
    until(lambda: w.session()["input_denied"] > denied + 10, "more is refused")
    assert w.seen()["motions"] == moved, "the pointer moved on"


def charts_show_what_the_api_said():
    """Each point that is drawn is the figure that the API gave for that second."""
    w = world()
    key = w.session()
    w.go("Performance")
    told, stop = {}, threading.Event()

    def listen():
        c = w.api.open()
        c.request("GET", "/api/v1/events?topics=live", headers={"Authorization": "Bearer " + w.api.token})
        r, name = c.getresponse(), None
        while not stop.is_set():
            line = r.readline().decode().rstrip("\n")
            if line.startswith("event: "):
                name = line[7:]
            elif line.startswith("data: ") and name == "live":
                live = json.loads(line[6:])
                conforms(live, SPEC["components"]["schemas"]["LiveStats"], "event live")
                told[round(moment(live["at"]), 3)] = live
        c.close()

    threading.Thread(target=listen, daemon=True).start()
    drawn = "Object.fromEntries([...document.querySelectorAll('[data-chart]')].filter(e => e.uplot)." \
        "map(e => [e.dataset.chart, {data: e.uplot.data, lines: e.uplot.series.slice(1).map(s => s.label)}]))"
    until(lambda: w.page.do("value", expression=drawn), "charts")

    def common():
        charts = w.page.do("value", expression=drawn)
        return charts, [x for x in next(iter(charts.values()))["data"][0] if round(x, 3) in told]

    until(lambda: len(common()[1]) >= 4, "four seconds drawn")
    charts, seconds = common()
    stop.set()
    compared = 0
    for name, chart in charts.items():
        for i, x in enumerate(chart["data"][0]):
            if round(x, 3) not in told:
                continue
            figures = next(s for s in told[round(x, 3)]["sessions"]
                           if (s["plane"], s["id"]) == (key["plane"], key["id"]))
            for line, values in zip(chart["lines"], chart["data"][1:]):
                want, shown = figure(name, line, figures), values[i]
                assert (want is None) == (shown is None) and (want is None or abs(want - shown) < 1e-6), \
                    f"{name}, {line} at {x}: drawn {shown}, the API said {want}"
                compared += shown is not None
    assert compared >= 4 * len(charts), compared
    assert len({chart["data"][0][-1] for chart in charts.values()}) == 1
    assert any(s["fps"] > 5 for live in told.values() for s in live["sessions"]), told
    print(f"# {compared} points in {len(charts)} charts, {len(seconds)} s")


LATENCY = {"total": ("total_ms", "p50"), "total, worst 1 %": ("total_ms", "p99")}


def moment(at):
    """Seconds since 1970 of what the API says."""
    if isinstance(at, str):
        import datetime
        return datetime.datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp()
    return at / 1000


def figure(chart, line, s):
    """What the line of a chart shows, out of the API's figures of a session."""
    what = chart.split("-")[-1]
    stages = s.get("stages", {})
    return {
        "fps": lambda: s.get("fps"),
        "bitrate": lambda: s.get({"sent": "bitrate_kbps", "target": "target_kbps"}[line]) / 1000,
        "loss": lambda: s.get({"loss": "loss_percent", "repair data": "parity_percent"}[line]),
        "rtt": lambda: s.get("rtt_ms"),
        "latency": lambda: (stages.get(LATENCY.get(line, (line + "_ms",))[0]) or {}).get(
            LATENCY.get(line, ("", "p50"))[1]),
    }[what]()


def a_stream_is_stopped():
    w = world()
    w.go("Overview")
    ended = w.get("/status")["sessions_ended"]
    w.page.do("click", what={"role": "button", "name": "Stop"})
    w.page.wait(role="dialog", name="Stop this session?")
    w.page.do("click", what=dialog(role="button", name="Stop"))
    out, err = w.phone.communicate(timeout=PATIENCE)
    assert w.phone.returncode == 4, f"{w.phone.returncode}: {out}{err}"
    until(lambda: w.session() is None and w.get("/status")["sessions_ended"] == ended + 1, "its end")
    w.page.wait(text="Nobody is streaming")


def a_kept_desk_is_released():
    w = world()
    stays = w.probe("Tablet", "connect", "--trust-first", "--json", "--mode", "640x360@30", "--frames", "5")
    out, err = stays.communicate(timeout=PATIENCE)
    assert stays.returncode == 0, out + err
    until(lambda: any(d["state"] == "kept" for d in w.get("/displays")["desks"]), "a kept desk")
    assert programs(w.place, ("sway",)), "no desk runs"
    w.go("Displays")
    until(lambda: w.page.do("count", what={"role": "button", "name": "Release "}) > 0, "it is shown")
    for _ in range(w.page.do("count", what={"role": "button", "name": "Release "})):
        w.page.do("click", what={"role": "button", "name": "Release ", "nth": 0})
        w.page.do("click", what=dialog(role="button", name="Release"))
        w.page.do("wait", what={"role": "dialog"}, state="hidden")
    until(lambda: not programs(w.place, ("sway", "pf-pattern")), "the desk is gone")
    until(lambda: not w.get("/displays")["desks"], "the list is empty")
    w.page.wait(text="There is no desk now.")


def an_app_is_added():
    w = world()
    w.go("Library")
    w.page.do("click", what={"role": "button", "name": "Add an app"})
    w.page.do("fill", what=dialog(label="Title"), value="Super Tux")
    w.page.do("fill", what=dialog(label="Command", exact=True), value="true")
    w.page.do("click", what=dialog(role="button", name="Save"))
    w.page.wait(text="Super Tux is saved.")
    stored = json.loads((w.place.config / "apps.json").read_text())["apps"]
    assert [(a["title"], a["command"]) for a in stored] == [("Super Tux", "true")], stored
    assert "Super Tux" in w.moonlight.apps()


def setting(w, name):
    return next(s for s in w.get("/settings")["settings"] if s["name"] == name)


def a_setting_is_changed():
    """Desks are not kept any more: a device that leaves takes its desk with it."""
    w = world()
    assert setting(w, "desk_keep_alive_s")["value"] == 600
    w.go("Settings")
    w.page.do("fill", what={"label": "Search settings"}, value="desk_keep_alive_s")
    w.page.do("fill", what={"css": "[data-setting=desk_keep_alive_s] input"}, value="90000")
    w.page.wait(text="Must be 0 to 86,400.")
    w.page.do("fill", what={"css": "[data-setting=desk_keep_alive_s] input"}, value="0")
    w.page.do("click", what={"role": "button", "name": "Save changes (1)"})
    w.page.wait(text="Saved.")
    now = setting(w, "desk_keep_alive_s")
    assert (now["value"], now["source"]) == (0, "console"), now
    text = (w.place.config / "host.conf.d" / "90-console.conf").read_text()
    assert re.search(r"^desk_keep_alive_s *= *0$", text, re.M), text
    leaves = w.probe("Tablet", "connect", "--trust-first", "--mode", "640x360@30", "--frames", "5", "--quiet")
    out, err = leaves.communicate(timeout=PATIENCE)
    assert leaves.returncode == 0, out + err
    until(lambda: not programs(w.place, ("sway",)), "its desk is gone")


def doctor_and_log_tell():
    w = world()
    w.go("Health")
    w.page.do("click", what={"role": "button", "name": "Check again"})
    until(lambda: w.get("/diagnostics")["checks"], "the host has looked")
    found = [c for c in w.get("/diagnostics")["checks"] if c["state"] in ("warn", "fail")]
    for check in found:
        w.page.wait(css="main", has=check["title"])
        if check["command"]:
            w.page.wait(css="main", has=check["command"].splitlines()[0])
    w.go("Logs")
    line = w.get("/logs?limit=200")["lines"][-1]
    w.page.wait(css="main", has=line["text"][:60])


def every_page_in_both_themes_and_three_widths():
    w = world()
    names = [n.strip() for n in w.page.texts(css="nav a")]
    names = [re.sub(r"\s*\d+$", "", n) for n in names]
    assert len(names) >= PAGES, names
    found = []
    for name in names:
        w.page.do("size", width=1280, height=800)
        w.go(name)
        w.page.do("wait", what={"css": "[aria-busy=true]"}, state="hidden")
        found += w.page.looks_right(name.lower(), fail=False)
    assert not found, "\n".join(found)


def german_and_small():
    w = world()
    w.go("Overview")
    w.page.do("value", expression="localStorage.setItem('pf-language', 'de')")
    w.page.do("size", width=360, height=740)
    w.page.do("reload")
    w.page.wait(role="heading", name="Übersicht")
    assert w.page.do("value", expression="document.documentElement.lang") == "de"
    assert not w.page.do("overflow"), w.page.do("overflow")
    w.page.do("value", expression="localStorage.setItem('pf-language', 'en')")
    w.page.do("size", width=1280, height=800)
    w.page.do("reload")
    w.page.wait(role="heading", name="Overview")


def signing_out():
    w = world()
    cookie = {"Cookie": f"__Host-punktfunk={w.page.cookie()['value']}", "token": False}
    w.api.expect(200, "GET", "/clients", **cookie)
    w.page.do("click", what={"role": "button", "name": "Sign out"})
    w.page.wait(role="heading", name="Sign in")
    w.api.expect(401, "GET", "/clients", **cookie)
    w.page.do("reload")
    w.page.wait(role="heading", name="Sign in")


def nothing_went_wrong_on_the_pages():
    problems = world().page.problems()
    assert not problems, "\n".join(problems)
    world().end()


if __name__ == "__main__":
    ALL = [sign_in, a_pin_by_keyboard_alone, a_knock_is_let_in_while_it_waits, a_moonlight_pin,
           a_stream_begins_and_is_shown, a_right_is_taken_and_input_refused, charts_show_what_the_api_said,
           every_page_in_both_themes_and_three_widths, a_stream_is_stopped, a_kept_desk_is_released,
           an_app_is_added, a_setting_is_changed, doctor_and_log_tell, german_and_small, signing_out,
           nothing_went_wrong_on_the_pages]
    host_bed.main([t for t in ALL if len(sys.argv) < 7 or t.__name__ in sys.argv[6:]])
