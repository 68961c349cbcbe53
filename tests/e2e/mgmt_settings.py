#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Settings over the management API and by the command line, on a serving host.
usage: mgmt_settings.py PUNKTFUNK-HOST. Prints TAP."""
import json
import os
import signal
import socket
import subprocess
import threading

from host_bed import PATIENCE, ROOT, USER, Place, Server, Skip, main, until
from mgmt_bed import FP, Api, expect, host, put_client

PNG = b"\x89PNG\r\n\x1a\n" + b"picture"


def setting(answer, name):
    return next(s for s in answer["settings"] if s["name"] == name)


def console(place):
    try:
        return (place.config / "host.conf.d/90-console.conf").read_text()
    except FileNotFoundError:
        return ""


def put(place, name, text):
    path = place.config / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    place.own()


def limit_files(pid, size):
    """How large a file the host may write; as its user, which needs no rights."""
    subprocess.run(["prlimit", "--pid", str(pid), f"--fsize={size}:"], check=True, timeout=PATIENCE,
                   **({"user": USER.pw_uid, "group": USER.pw_gid} if ROOT else {}))


def a_change_is_written_in_force_and_survives():
    with Place() as p:
        put(p, "host.conf", "max_sessions = 2\n")
        with host(p) as s:
            api = Api(p, s)
            before = api.expect(200, "GET", "/settings")
            assert before["restart_needed"] == [] and "problem" not in before
            one = setting(before, "max_sessions")
            assert (one["value"], one["source"], one["where"]) == (2, "file", "host.conf:1"), one
            assert one["settable"] and one["min"] == 1 and one["default"] == 4
            now = api.expect(200, "PATCH", "/settings", {
                "max_sessions": 3, "cursor": False, "software_codecs": ["h264"], "fec_percent": "auto",
                "log_format": "json", "data_port": 0, "audio_channels": "6", "discovery": False})
            one = setting(now, "max_sessions")
            assert (one["value"], one["source"], one["console"]) == (3, "console", 3), one
            assert setting(now, "software_codecs")["value"] == ["h264"]
            assert now["restart_needed"] == ["discovery"], now["restart_needed"]
            assert setting(now, "discovery")["value"] and setting(now, "discovery")["waits"] is False
            assert "\nmax_sessions = 3\n" in console(p) and "\ndiscovery = no\n" in console(p)
            assert (p.config / "host.conf.d/90-console.conf").stat().st_mode & 0o777 == 0o600
            # As SIGHUP does, which also takes what the operator says by now.
            s.p.send_signal(signal.SIGHUP)
            until(lambda: '"settings read anew"' in s.stderr(), "the log's new form")
            put(p, "host.conf", "max_sessions = 2\ndesk_keep_alive_s = 7\n")
            assert setting(api.expect(200, "GET", "/settings"), "desk_keep_alive_s")["waits"] == 7
            now = api.expect(200, "PATCH", "/settings", {"max_sessions": None})
            assert setting(now, "max_sessions")["value"] == 2 and "max_sessions" not in console(p)
            assert setting(now, "desk_keep_alive_s")["value"] == 7
            assert now == api.expect(200, "PATCH", "/settings", {})
            s.end()
        with host(p) as s:
            now = Api(p, s).expect(200, "GET", "/settings")
            assert setting(now, "discovery")["value"] is False and now["restart_needed"] == []
            s.end()


def all_or_nothing_with_words_for_each():
    with Place() as p, host(p, "--repeat-frames", "5") as s:
        api = Api(p, s)
        bad = api.expect(400, "PATCH", "/settings", {
            "cursor": False, "max_sessions": 0, "port": "auto", "nonsense": 1, "encoder": "x264\n",
            "clipboard": "everything", "width_max": -5})["error"]
        assert set(bad["fields"]) == {"max_sessions", "port", "nonsense", "encoder", "clipboard",
                                      "width_max"}, bad
        assert "1 to 64" in bad["fields"]["max_sessions"] and bad["message"] in bad["fields"].values()
        for value in ({}, 1.5, [1], {"a": 1}, ["h264", {}], ["a,b"], 2 ** 40):
            said = api.expect(400, "PATCH", "/settings", {"max_sessions": value})["error"]
            assert list(said["fields"]) == ["max_sessions"], said
        api.expect(400, "PATCH", "/settings", {f"k{i}": 1 for i in range(65)})
        api.expect(400, "PATCH", "/settings", {"bitrate_max_kbps": 1000})
        api.expect(400, "PATCH", "/settings", {"keyboard_layout": "us\nuser = root"})
        api.expect(400, "PATCH", "/settings", {"keyboard_layout": "u" * 512})
        api.expect(409, "PATCH", "/settings", {"repeat_frames": 6, "cursor": False})
        assert console(p) == ""
        now = api.expect(200, "GET", "/settings")
        assert setting(now, "cursor")["value"] is True
        assert setting(now, "repeat_frames")["source"] == "command_line"
        assert not setting(now, "repeat_frames")["settable"]
        s.end()


def the_operator_has_the_last_word():
    with Place() as p:
        put(p, "host.conf.d/95-site.conf", "# ours\ncursor = no\n")
        with host(p) as s:
            api = Api(p, s)
            said = api.expect(409, "PATCH", "/settings", {"cursor": True})["error"]["message"]
            assert "host.conf.d/95-site.conf:2" in said, said
            # One that appears later does not let the answer lie.
            api.expect(200, "PATCH", "/settings", {"microphone": False})
            put(p, "host.conf.d/99.conf", "microphone = yes\n")
            one = setting(api.expect(200, "GET", "/settings"), "microphone")
            assert one["value"] is False and one["waits"] is True and not one["settable"], one
            s.p.send_signal(signal.SIGHUP)
            until(lambda: setting(api.expect(200, "GET", "/settings"), "microphone")["value"],
                  "the file's word")
            one = setting(api.expect(200, "GET", "/settings"), "microphone")
            assert one["source"] == "file" and one["where"] == "host.conf.d/99.conf:1", one
            assert one["console"] is False
            put(p, "host.conf.d/99.conf", "microphone = perhaps\n")
            now = api.expect(200, "GET", "/settings")
            assert "99.conf:1" in now["problem"], now.get("problem")
            assert "99.conf:1" in api.expect(409, "PATCH", "/settings", {
                "audio": False})["error"]["message"]
            s.end()
        with Place() as other:
            put(other, "alone.conf", "cursor = no\n")
            with host(other, "--config", str(other.config / "alone.conf")) as s:
                said = Api(other, s).expect(409, "PATCH", "/settings", {"cursor": True})
                assert "--config" in said["error"]["message"]
                s.end()


def a_file_in_another_encoding_hides_nothing():
    with Place() as p:
        (p.config / "host.conf").write_bytes(b"session_command = /opt/spiel-\xfcber/los\n")
        with host(p) as s:
            one = setting(Api(p, s).expect(200, "GET", "/settings"), "session_command")
            assert one["value"] == "/opt/spiel-\ufffdber/los", one
            s.end()


def a_value_that_would_keep_the_host_from_starting_is_refused():
    with Place() as p, host(p) as s, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, \
            socket.socket() as listening:
        api = Api(p, s)
        taken.bind(("127.0.0.1", 0))
        listening.bind(("127.0.0.1", 0))
        listening.listen(1)
        port = taken.getsockname()[1]
        said = api.expect(409, "PATCH", "/settings", {"data_port": port, "cursor": False})["error"]
        assert list(said["fields"]) == ["data_port"] and "in use" in said["message"], said
        api.expect(409, "PATCH", "/settings", {"encoder": "none such"})
        said = api.expect(409, "PATCH", "/settings", {
            "gamestream": True, "gamestream_port": listening.getsockname()[1]})["error"]
        assert "in use" in said["message"] or "has no GameStream" in said["message"], said
        assert console(p) == ""
        s.end()


def a_slow_trial_keeps_nobody_waiting():
    """A compositor that takes the call and says nothing."""
    with Place() as p, socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(p.dir / "silent"))
        silent.listen(8)
        silent.settimeout(PATIENCE)
        put(p, "host.conf", f"display_backend = pattern\nsession_socket = {p.dir}/silent\naudio = no\n")
        if "session" not in p.run("displays", "--session-socket", "/nowhere").stdout:
            raise Skip("this build knows no compositor")
        with Server(p) as s:
            api, got = Api(p, s), []
            t = threading.Thread(target=lambda: got.append(Api(p, s).expect(
                409, "PATCH", "/settings", {"display_backend": "session"})))
            t.start()
            c, _ = silent.accept()
            api.expect(200, "PATCH", "/settings", {"cursor": False})
            busy = api.expect(503, "PATCH", "/settings", {"encoder": "none such"})["error"]
            assert "being tried" in busy["message"], busy
            assert not got, "the compositor was not waited for"
            # Tried once more, as the files have changed, and refused at once.
            silent.close()
            c.close()
            t.join(timeout=PATIENCE)
            assert list(got[0]["error"]["fields"]) == ["display_backend"], got
            assert "cursor = no" in console(p) and "display_backend" not in console(p)
            s.end()


def a_full_disk_or_a_locked_folder_is_told():
    with Place() as p:
        put(p, "host.conf.d/90-console.conf", "cursor = no\n")
        with host(p) as s:
            api = Api(p, s)
            # What a full disk does to a write, halfway.
            limit_files(s.p.pid, 64)
            for path, body in (("/settings", {"cursor": True}), ("/apps", {"title": "x" * 80})):
                method = "PATCH" if path == "/settings" else "POST"
                said = api.expect(500, method, path, body)["error"]["message"]
                assert "File too large" in said and "punktfunk" in said, said
            limit_files(s.p.pid, "unlimited")
            assert console(p) == "cursor = no\n"
            assert setting(api.expect(200, "GET", "/settings"), "cursor")["value"] is False
            assert len(api.expect(200, "GET", "/apps")["apps"]) == 1
            folder = p.config / "host.conf.d"
            os.chmod(folder, 0o500)
            said = api.expect(500, "PATCH", "/settings", {"cursor": True})["error"]["message"]
            assert "Permission denied" in said and "90-console.conf" in said, said
            os.chmod(folder, 0o700)
            api.expect(200, "PATCH", "/settings", {"cursor": True})
            assert [f.name for f in folder.iterdir()] == ["90-console.conf"]
            s.end()


def a_folder_that_became_read_only_is_told():
    with Place() as p:
        put_client(p)
        with host(p) as s:
            api = Api(p, s)
            data = p.dir / "data_home/punktfunk"
            api.expect(204, "PUT", "/apps/1/art", raw=PNG, Content_Type="image/png")
            for folder, method, path, body, more in (
                    (data, "PATCH", "/clients/gamestream/" + FP, {"name": "x"}, {}),
                    (data, "DELETE", "/clients/gamestream/" + FP, None, {}),
                    (data / "art", "DELETE", "/apps/1/art", None, {}),
                    (data / "art", "PUT", "/apps/1/art", None,
                     {"raw": PNG + b"2", "Content_Type": "image/png"}),
                    (p.config, "POST", "/apps", {"title": "x"}, {}),
                    (p.config, "PATCH", "/settings", {"cursor": False}, {})):
                os.chmod(folder, 0o500)
                said = api.expect(500, method, path, body, **more)["error"]["message"]
                os.chmod(folder, 0o700)
                assert str(folder) in said and ("denied" in said or "No such file" in said), said
            assert api.expect(200, "GET", "/clients")["clients"][0]["name"] == "roth"
            assert len(api.expect(200, "GET", "/apps")["apps"]) == 1
            assert api.expect(200, "GET", "/apps/1/art") == PNG
            assert setting(api.expect(200, "GET", "/settings"), "cursor")["value"] is True
            s.end()


def advisory_39hj_a_browser_sets_nothing_that_runs_opens_or_lets_in():
    """field.md 3.1, GHSA-39hj-fxvw-758m: from a page to commands. What a log-in can change is
    less than what the host's user can, however it was come by."""
    guarded = {"allowed_clients": "/etc/passwd", "bind_address": "127.0.0.1", "mgmt": False,
               "gamestream_plain_rtsp": True, "mgmt_bind": "0.0.0.0", "mgmt_port": 1234,
               "session_command": "touch /tmp/x", "session_socket": "/tmp/x",
               "trust_on_first_use": True, "user": "root"}
    with Place() as p, host(p) as s:
        api = Api(p, s)
        api.expect(204, "PUT", "/login/password", {"new": "a long password"})
        browser = api.log_in("a long password")
        for name, value in guarded.items():
            for change in ({name: value}, {name: None}, {"cursor": False, name: value}):
                said = api.expect(403, "PATCH", "/settings", change, **browser)["error"]
                assert list(said["fields"]) == [name] and "host.conf" in said["message"], said
        now = api.expect(200, "GET", "/settings", **browser)
        fixed = {one["name"] for one in now["settings"] if not one["settable"]}
        assert set(guarded) <= fixed, set(guarded) - fixed
        assert all(one["settable"] or one["why"] for one in now["settings"])
        assert {n for n in fixed if n not in guarded and not n.startswith("mgmt")} <= {
            "port", "spare_desk", "display_backend", "audio"}, fixed  # of the command line
        assert console(p) == ""
        api.expect(200, "PATCH", "/settings", {"cursor": False}, **browser)
        # The owner of the token may edit the files as well.
        api.expect(200, "PATCH", "/settings", {"session_command": ""})
        s.end()


def a_change_is_told_to_who_listens():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        c = api.open()
        c.request("GET", "/api/v1/events?topics=settings", headers={
            "Authorization": "Bearer " + api.token})
        stream = c.getresponse()
        for change in (lambda: api.expect(200, "PATCH", "/settings", {"cursor": False}),
                       lambda: s.p.send_signal(signal.SIGHUP)):
            change()
            while stream.readline() != b"event: settings.changed\n":
                pass
        c.close()
        s.end()


def the_command_line_does_the_same():
    with Place() as p, host(p, "--repeat-frames", "5") as s:
        expect(p.run("settings"), 0, "max_sessions", "(command line)")
        expect(p.run("settings", "max-sessions"), 0, "1 to 64", "Default: 4", "Value: 4")
        expect(p.run("settings", "max_sessions", "6"), 0, "max_sessions", "6", "90-console.conf")
        expect(p.run("settings", "discovery", "no"), 0, "from the next start: no")
        expect(p.run("settings", "repeat_frames", "1"), 1, "command line")
        expect(p.run("settings", "max_sessions", "many"), 1, "1 to 64")
        expect(p.run("settings", "nonsense", "1"), 1, "nonsense")
        expect(p.run("settings", "nonsense"), 1, "nonsense")
        # The token's owner may edit the files, too.
        expect(p.run("settings", "session_command", ""), 0)
        expect(p.run("settings", "max_sessions", "--reset"), 0, "4")
        answer = json.loads(expect(p.run("settings", "--json"), 0))
        assert setting(answer, "session_command")["value"] == ""
        assert console(p).count(" = ") == 2, console(p)
        expect(p.run("settings", "a", "b", "c"), 2)
        expect(p.run("settings", "--reset"), 2)
        expect(p.run("help", "settings"), 0, "usage: punktfunk-host settings")
        s.end()


main([a_change_is_written_in_force_and_survives, all_or_nothing_with_words_for_each,
      the_operator_has_the_last_word, a_file_in_another_encoding_hides_nothing,
      a_value_that_would_keep_the_host_from_starting_is_refused,
      a_slow_trial_keeps_nobody_waiting, a_full_disk_or_a_locked_folder_is_told, a_folder_that_became_read_only_is_told,
      advisory_39hj_a_browser_sets_nothing_that_runs_opens_or_lets_in, a_change_is_told_to_who_listens,
      the_command_line_does_the_same])
