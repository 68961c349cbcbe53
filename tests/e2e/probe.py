#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""punktfunk-probe against a real host that draws its own picture and plays its
own tone: figures, files, demands that fail when they should, exit codes.

usage: probe.py PUNKTFUNK-HOST PUNKTFUNK-PROBE PF-IMPAIR. Prints TAP."""
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
import traceback

HOST, PROBE, IMPAIR = sys.argv[1:4]
ROOT = os.geteuid() == 0
PATIENCE = 90
STAGES = ("draw_to_received_ms", "captured_to_received_ms", "host_ms", "convert_encode_ms",
          "assemble_ms", "decode_ms", "captured_to_decoded_ms", "transport_ms")


def run_user():
    for name in ("punktfunk", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            pass
    raise RuntimeError("no ordinary user")


USER = run_user() if ROOT else pwd.getpwuid(os.geteuid())


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Host:
    """A serving host with private directories; leaves nothing behind."""

    def __init__(self, *args, trust=True):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="pf-probe-"))
        env = {k: v for k, v in os.environ.items() if k not in ("SUDO_UID", "WAYLAND_DISPLAY")}
        for name in ("CONFIG_HOME", "DATA_HOME", "STATE_HOME", "RUNTIME_DIR"):
            path = self.dir / name.lower()
            path.mkdir(mode=0o700)
            env["XDG_" + name] = str(path)
        if ROOT:
            for path in (self.dir, *self.dir.iterdir()):
                os.chown(path, USER.pw_uid, USER.pw_gid)
        self.err = open(self.dir / "stderr", "w+")
        self.data_port = free_port()
        command = [HOST, "serve", "--port", "0", "--mgmt-port", "0", "--bind-address", "127.0.0.1",
                   "--data-port", str(self.data_port), "--display-backend", "pattern",
                   "--audio-backend", "null", "--audio-options", "tone-hz=440"]
        command += ["--user", USER.pw_name] if ROOT else []
        command += ["--trust-on-first-use"] if trust else []
        self.p = subprocess.Popen([*command, *args], env=env, text=True, stderr=self.err,
                                  stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
        line = self.p.stdout.readline()
        assert line.startswith("ready "), f"host: {line} {self.stderr()}"
        words = dict(w.split("=", 1) for w in line.split()[1:])
        self.port, self.fingerprint = int(words["port"]), words["fingerprint"]

    def stderr(self):
        self.err.flush()
        return (self.dir / "stderr").read_text()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.p.poll() is None:
            self.p.terminate()
            try:
                self.p.wait(timeout=20)
            except subprocess.TimeoutExpired:
                self.p.kill()
                self.p.wait()
        self.p.stdout.close()
        self.err.close()
        shutil.rmtree(self.dir, ignore_errors=True)

    def probe(self, *args, address="127.0.0.1", trust=True):
        return probe(f"{address}:{self.port}", *args,
                     *(("--pin-fingerprint", self.fingerprint) if trust else ()))


def probe(*args):
    return subprocess.run([PROBE, "connect", *map(str, args)], text=True, capture_output=True,
                          timeout=PATIENCE, stdin=subprocess.DEVNULL)


class Skip(Exception):
    """Says what is missing."""


def expect(result, code, *words):
    said = result.stdout + result.stderr
    assert result.returncode == code, f"exit {result.returncode}, not {code}: {said}"
    for w in words:
        assert w in said, f"does not say {w!r}: {said}"


def report_of(result, code=0):
    expect(result, code)
    return json.loads(result.stdout)


def png_size(path):
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:16]
    return struct.unpack(">II", data[16:24])


def verified_stream():
    with Host("--display-options", "scene=box") as h:
        keep = {k: h.dir / k for k in ("a.png", "a.mp4", "a.wav", "a.h264", "id.pem")}
        r = report_of(h.probe(
            "--mode", "800x600@60", "--seconds", "3", "--verify", "--json",
            "--expect-tone", "440", "--reject-tone", "700", "--name", "tester",
            "--png", keep["a.png"], "--png-at", "1", "--mp4", keep["a.mp4"],
            "--wav", keep["a.wav"], "--dump", keep["a.h264"], "--identity", keep["id.pem"],
            "--type", "hello", "--pointer-path"))
        assert r["mode"] == "800x600@60" and r["codec"] == "h264", r
        assert r["host_fingerprint"] == h.fingerprint, r
        # The machine may be slow; how many pictures it manages is not the question.
        assert r["frames_decoded"] > 30 and r["frames_received"] == r["frames_decoded"], r
        assert r["frames_sent"] == r["frames_received"], r
        assert r["frames_broken"] == r["frames_overrun"] == r["strip_not_forward"] == 0, r
        assert r["strips"] == r["frames_decoded"] and r["frames_idr"] >= 1, r
        assert r["packets_per_wakeup"] >= 1 and r["packets_per_message"] >= 1, r
        assert r["path_lost"] == 0 and r["path_burst"] is None and r["gap_p99_ms"] > 0, r
        assert r["audio_packets"] > 300 and abs(r["audio_tone_hz"] - 440) <= 2, r
        assert r["input_events_sent"] >= 10 + 20, r
        assert 0 < r["first_frame_ms"] < 20000 and r["connect_ms"] < r["first_frame_ms"], r
        assert r["first_picture_ms"] == r["first_frame_ms"] and r["uniform"] is False, r
        for s in STAGES:
            q = r[s]
            assert q["n"] > 20 and q["p50"] <= q["p95"] <= q["p99"] <= q["max"], (s, q)
            assert 0 <= q["max"] < 20000, (s, q)
        # What one stage takes is part of what the whole takes.
        assert r["convert_encode_ms"]["p50"] <= r["host_ms"]["p50"], r
        assert r["captured_to_received_ms"]["p50"] <= r["captured_to_decoded_ms"]["p50"], r
        assert r["isolated_change_ms"] is None or r["isolated_change_ms"]["n"] < r["strips"], r
        assert png_size(keep["a.png"]) == (800, 600)
        assert keep["a.mp4"].read_bytes()[4:8] == b"ftyp"
        assert keep["a.wav"].read_bytes()[:4] == b"RIFF"
        assert keep["a.h264"].read_bytes()[:5] == b"\x00\x00\x00\x01\x67"
        assert "PRIVATE KEY" in keep["id.pem"].read_text()
        assert keep["id.pem"].stat().st_mode & 0o777 == 0o600
        assert '"tester"' in h.stderr(), h.stderr()


def isolated_changes():
    with Host("--display-options", "scene=isolated", "--repeat-frames", "2") as h:
        r = report_of(h.probe("--mode", "640x480@60", "--seconds", "3", "--verify", "--json"))
        assert r["isolated_change_ms"]["n"] >= 8, r
        assert r["strip_repeats"] > 0, r
        assert r["draw_to_received_ms"]["n"] == r["strips"] - r["strip_repeats"], r


def text_report():
    with Host() as h:
        r = probe(f"127.0.0.1:{h.port}", "--trust-first", "--frames", "20")
        expect(r, 0, "host fingerprint " + h.fingerprint, "1280x720@60 h264", "draw -> received",
               "first picture after")
        r = h.probe("--frames", "5", "--quiet")
        expect(r, 0)
        assert not r.stdout and not r.stderr, r


def loss_is_repaired_and_counted():
    """Through the relay: the probe's own count of repaired frames, and a loss that
    parity cannot mend shows as frames not shown."""
    with Host("--display-options", "scene=scroll") as h:
        def relayed(seconds, *rules, args=()):
            relay = subprocess.Popen(
                [IMPAIR, "--map", f"127.0.0.2:{h.port}=127.0.0.1:{h.port}",
                 "--map", f"127.0.0.2:{h.data_port}=127.0.0.1:{h.data_port}",
                 "--only", str(h.data_port), "--seed", "3", *rules],
                stdout=subprocess.PIPE, text=True)
            try:
                time.sleep(0.3)
                return h.probe("--mode", "640x480@60", "--seconds", seconds, "--verify", "--json", *args,
                               address="127.0.0.2")
            finally:
                relay.terminate()
                relay.wait()
                relay.stdout.close()

        r = report_of(relayed(4, "--loss", "down:2%"))
        assert r["frames_repaired"] > 0 and r["shards_recovered"] > 0, r
        assert r["path_lost"] >= r["path_bursts"] > 0 and r["path_loss_pct"] > 0.2, r
        r = report_of(relayed(3, "--burst", "down:0.5%:5%"))
        assert r["frames_not_shown"] > 0, r
        assert r["frames_sent"] > r["frames_received"], r
        assert r["path_lost"] > r["path_bursts"] > 0, r
        # The same bad luck, for a client that wants no frame which it cannot show.
        r = report_of(relayed(3, "--burst", "down:0.5%:5%", args=("--skip-held", "--even-out")))
        assert r["frames_withheld"] > 0 and r["frames_frozen"] == 0, r
        assert 0 < r["frames_decoded"] == r["frames_received"] < r["frames_sent"], r


def speed_test():
    """Half a second of filler, on the loopback and through a bottleneck."""
    def run(h, address, *args):
        return subprocess.run(
            [PROBE, "speed-test", f"{address}:{h.port}", "--pin-fingerprint", h.fingerprint,
             "--mode", "320x240@30", *args], text=True, capture_output=True, timeout=PATIENCE)

    with Host() as h:
        r = report_of(run(h, "127.0.0.1", "--target", "40000", "--duration", "500", "--json"))
        # The machine may be slow; more than was asked for never comes.
        assert 5000 < r["kbps"] <= 41000 and r["target_kbps"] == 40000, r
        assert 490 <= r["duration_ms"] < 5000, r
        assert 0 < r["packets_received"] <= r["packets_sent"], r
        relay = subprocess.Popen(
            [IMPAIR, "--map", f"127.0.0.2:{h.port}=127.0.0.1:{h.port}",
             "--map", f"127.0.0.2:{h.data_port}=127.0.0.1:{h.data_port}",
             "--rate", "down:10mbit"], stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.3)
            r = run(h, "127.0.0.2", "--target", "40000", "--duration", "800", "--json")
        finally:
            relay.terminate()
            relay.wait()
            relay.stdout.close()
        r = report_of(r)
        assert 3000 < r["kbps"] < 11000 and r["loss_pct"] > 40, r
        r = run(h, "127.0.0.1", "--target", "1000", "--duration", "100")
        expect(r, 0, "Mbit/s arrived in")
        expect(run(h, "127.0.0.1", "--target", "0"), 1, "--target")


def benches():
    """Starts, returns and changes of mode, counted as they were."""
    def run(h, command, *args):
        return subprocess.run(
            [PROBE, command, f"127.0.0.1:{h.port}", "--pin-fingerprint", h.fingerprint, "--mode",
             "640x480@60", *map(str, args)], text=True, capture_output=True, timeout=PATIENCE)

    def desks(h):
        return re.findall(r"kbit/s on (desk \d+)", h.stderr())

    with Host("--data-port", "0", "--display-options", "scene=box") as h:
        r = report_of(run(h, "bench-connect", "--rounds", 3, "--pause", 0.2, "--json"))
        assert r["rounds"] == r["first_frame_ms"]["n"] == r["connect_ms"]["n"] == 3, r
        assert r["failed"] == r["not_idr"] == 0 and len(r["each_ms"]) == 3, r
        assert abs(max(r["each_ms"]) - r["first_frame_ms"]["max"]) < 0.01, r
        assert len(set(desks(h))) == 3, desks(h)
        r = report_of(run(h, "bench-connect", "--reconnect", "--rounds", 3, "--json"))
        assert r["first_frame_ms"]["n"] == 3 and r["failed"] == r["not_idr"] == 0, r
        assert len(desks(h)) == 7 and len(set(desks(h)[3:])) == 1, desks(h)
        r = report_of(run(h, "bench-mode", "--rounds", 4, "--to", "800x600@60", "--json"))
        assert r["mode_change_ms"]["n"] == 4 and r["failed"] == r["not_idr"] == 0, r
        assert r["answer_ms"]["p50"] <= r["mode_change_ms"]["p50"], r
        assert h.stderr().count("changes to 800x600@60") == 2, h.stderr()
        assert h.stderr().count("first picture in 800x600, ms since the wish: stopped ") == 2, h.stderr()
        # Two changes at once: the host takes one.
        r = run(h, "bench-mode", "--rounds", 2, "--pause", 0, "--json")
        expect(r, 4, "was refused", '"failed": 1')
        expect(run(h, "bench-connect", "--rounds", 1), 0, "1 rounds, 0 failed", "first frame")
    expect(run(h, "bench-connect", "--rounds", 2, "--timeout", 1), 2)


def a_far_host_is_not_waited_for():
    """The eight clock rounds of a start run beside it: with 100 ms there and back they
    alone would take 800."""
    with Host() as h:
        relay = subprocess.Popen(
            [IMPAIR, "--map", f"127.0.0.2:{h.port}=127.0.0.1:{h.port}",
             "--map", f"127.0.0.2:{h.data_port}=127.0.0.1:{h.data_port}", "--delay", "50ms"],
            stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.3)
            r = report_of(subprocess.run(
                [PROBE, "bench-connect", f"127.0.0.2:{h.port}", "--pin-fingerprint", h.fingerprint,
                 "--mode", "320x240@30", "--rounds", "3", "--pause", "0.3", "--json"],
                text=True, capture_output=True, timeout=PATIENCE))
        finally:
            relay.terminate()
            relay.wait()
            relay.stdout.close()
        assert 250 < r["first_frame_ms"]["min"] < 700, r
        assert r["connect_ms"]["min"] < 700 and r["not_idr"] == 0, r


def automatic_bitrate():
    """Pictures this small need no 20 Mbit/s: two seconds in, the probe says that the link
    carries what they need, and the client asks for that. A rate of one's own is kept."""
    with Host("--display-options", "scene=box") as h:
        r = report_of(h.probe("--mode", "320x240@60", "--seconds", "6", "--json"))
        assert r["rate_ceiling_kbps"] == r["rate_target_kbps"] == 5000, r
        assert r["bitrate_agreed_kbps"] == 5000, r
        assert r["packets_invalid"] == 0 and r["frames_broken"] == 0, r
        r = report_of(h.probe("--mode", "320x240@60", "--seconds", "4", "--json", "--bitrate", "7000"))
        assert r["rate_ceiling_kbps"] == r["rate_target_kbps"] == 0, r
        assert r["bitrate_agreed_kbps"] == 7000, r


def wishes_over_a_bad_link():
    """Another mode, another rate, key frames, while 2 % of the packets are lost."""
    with Host("--display-options", "scene=box") as h:
        script = h.dir / "script"
        script.write_text("500 bitrate 3000\n"
                          "1000 mode 800x600@60\n"
                          "1200 mode 640x360@30\n"     # too soon after the one before
                          "2500 keyframe\n"
                          "3500 mode 1280x720@30\n"
                          "4500 bitrate 9000\n")
        relay = subprocess.Popen(
            [IMPAIR, "--map", f"127.0.0.2:{h.port}=127.0.0.1:{h.port}",
             "--map", f"127.0.0.2:{h.data_port}=127.0.0.1:{h.data_port}",
             "--only", str(h.data_port), "--seed", "7", "--loss", "down:2%", "--delay", "5ms"],
            stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.3)
            r = report_of(h.probe("--mode", "640x480@60", "--bitrate", "6000", "--seconds", "6",
                                  "--verify", "--json", "--input-script", script,
                                  address="127.0.0.2"))
        finally:
            relay.terminate()
            relay.wait()
            relay.stdout.close()
        assert r["mode"] == "1280x720@30" and r["mode_change_ms"]["n"] == 2, r
        assert r["mode_changes_not_idr"] == 0 and r["modes_refused"] == 1, r
        assert r["bitrate_agreed_kbps"] == 9000 and r["bitrate_changes"] == 2, r
        # The first, two modes, the one that was asked for; repairs may add more.
        assert r["frames_idr"] >= 4, r
        # Told, so that the windows around it are not held against the link.
        assert r["pipeline_gaps"] == 2, r
        # The core's own mean of the last window: the 5 ms of the relay, and of the day.
        assert 4 < r["latency_ms"] < 2000, r
        assert r["frames_repaired"] > 0 and r["packets_invalid"] == 0, r


def key_frames_pass_a_short_queue():
    """A bottleneck whose queue holds less than a key frame: sent in one burst, each of them
    is lost, and the client asks for the next."""
    with Host("--display-options", "scene=scroll", "--fec-percent", "10") as h:
        relay = subprocess.Popen(
            [IMPAIR, "--map", f"127.0.0.2:{h.port}=127.0.0.1:{h.port}",
             "--map", f"127.0.0.2:{h.data_port}=127.0.0.1:{h.data_port}",
             "--rate", "down:4mbit:24k", "--delay", "5ms"], stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.3)
            r = report_of(h.probe("--mode", "1280x720@30", "--bitrate", "3000", "--seconds", "10",
                                  "--json", address="127.0.0.2"))
        finally:
            relay.terminate()
            relay.wait()
            relay.stdout.close()
        # In bursts it were all but a few.
        assert r["frames_not_shown"] < 0.7 * r["frames_sent"], r
        assert r["frames_decoded"] > 30, r


def narrow_path_gets_smaller_packets():
    """Nothing above 1400 bytes gets through and nobody says so: no picture, until the host
    has learnt from QUIC what the path carries."""
    with Host("--display-options", "scene=box") as h:
        relay = subprocess.Popen(
            [IMPAIR, "--map", f"127.0.0.2:{h.port}=127.0.0.1:{h.port}",
             "--map", f"127.0.0.2:{h.data_port}=127.0.0.1:{h.data_port}", "--mtu", "1400"],
            stdout=subprocess.PIPE, text=True)
        try:
            time.sleep(0.3)
            r = report_of(h.probe("--mode", "640x480@60", "--bitrate", "4000", "--seconds", "2",
                                  "--timeout", "30", "--verify", "--json", address="127.0.0.2"))
        finally:
            relay.terminate()
            relay.wait()
            relay.stdout.close()
        assert 512 <= r["shard_payload"] <= 1400 - 64, r
        assert r["frames_decoded"] > 20 and r["packets_invalid"] == 0, r
    with Host("--display-options", "scene=box") as h:
        r = report_of(h.probe("--mode", "640x480@60", "--seconds", "6", "--json"))
        assert r["shard_payload"] == 1408, r


def over_ipv6():
    """One socket for both families; the header is 20 bytes longer, so the shards are
    that much shorter."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as s:
            s.bind(("::1", 0))
    except OSError as e:
        raise Skip(f"no IPv6 here: {e}")
    with Host("--bind-address=::", "--display-options", "scene=box") as h:
        mode = ("--mode", "640x480@60", "--json", "--verify", "--expect-tone", "440",
                "--pointer-path")
        r = report_of(h.probe(*mode, "--seconds", "6", address="[::1]"))
        assert r["shard_payload"] == 1388 and r["frames_decoded"] > 30, r
        assert r["packets_invalid"] == 0 and r["input_events_sent"] > 20, r
        r = report_of(h.probe(*mode, "--seconds", "2"))
        assert r["shard_payload"] == 1408 and r["packets_invalid"] == 0, r


def two_at_once():
    with Host("--data-port", "0") as h:
        results = {}

        def go(mode):
            results[mode] = h.probe("--mode", mode, "--seconds", "2", "--verify", "--json")

        threads = [threading.Thread(target=go, args=(m,)) for m in ("640x480@60", "1366x768@30")]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        for mode, result in results.items():
            assert report_of(result)["mode"] == mode, result


def plain_pictures_are_pictures():
    """A desk on which nothing is drawn is received and kept like any other."""
    with Host("--display-backend", "null", "--audio=no") as h:
        png = h.dir / "a.png"
        r = report_of(h.probe("--mode", "320x240@60", "--seconds", "1", "--json", "--png", png))
        assert r["uniform"] is True and r["first_frame_ms"] is None, r
        assert 0 < r["first_picture_ms"] and r["frames_decoded"] > 5, r
        assert png_size(png) == (320, 240)
        r = h.probe("--frames", "10")
        expect(r, 0, "all pictures were of one colour", "first picture after")
        expect(h.probe("--frames", "10", "--verify"), 5, "no picture showed anything")
        r = h.probe("--timeout", "2", "--mode", "320x240@30", "--expect-content", "--json")
        expect(r, 4, "all of one colour")
        assert json.loads(r.stdout)["uniform"] is True


def demands_that_fail():
    # Too small for the strip: there is a picture, but nothing proves it.
    with Host() as h:
        expect(h.probe("--mode", "320x240@60", "--frames", "20", "--verify"), 5, "clock strip")
        expect(h.probe("--seconds", "2.5", "--quiet", "--expect-tone", "1000"), 5, "1000 Hz")
        expect(h.probe("--seconds", "2.5", "--quiet", "--reject-tone", "440"), 5, "440 Hz")
    # A stream that is no video decodes to nothing.
    with Host("--encoder", "null") as h:
        expect(h.probe("--timeout", "2", "--verify", "--quiet"), 4, "no picture")
        expect(h.probe("--frames", "20", "--verify", "--quiet"), 5, "did not decode")


def usage():
    for args, word in (((), "HOST"), (("h",), "--pin-fingerprint"),
                       (("h", "--trust-first", "--sceonds", "1"), "--sceonds")):
        expect(probe(*args), 1, word)
    r = subprocess.run([PROBE], capture_output=True, text=True, timeout=PATIENCE)
    expect(r, 1, "usage")
    r = subprocess.run([PROBE, "--help"], capture_output=True, text=True, timeout=PATIENCE)
    expect(r, 0, "--pin-fingerprint", "5 not verified")
    r = subprocess.run([PROBE, "--version"], capture_output=True, text=True, timeout=PATIENCE)
    expect(r, 0, "punktfunk-probe")
    r = subprocess.run([PROBE, "conect"], capture_output=True, text=True, timeout=PATIENCE)
    expect(r, 1, "conect")
    r = subprocess.run([PROBE, "speed-test"], capture_output=True, text=True, timeout=PATIENCE)
    expect(r, 1, "HOST")


def unreachable():
    expect(probe(f"127.0.0.1:{free_port()}", "--trust-first", "--timeout", "3"), 2, "listens")
    expect(probe("no-such-host.invalid", "--trust-first", "--timeout", "3"), 2,
           "no-such-host.invalid")


def refused():
    with Host(trust=False) as h:
        expect(h.probe("--seconds", "1", "--timeout", "3"), 2, "approval")
        expect(probe(f"127.0.0.1:{h.port}", "--pin-fingerprint", "00" * 32), 3, "certificate")


def host_dies():
    with Host() as h:
        killer = threading.Timer(2, lambda: h.p.send_signal(signal.SIGTERM))
        killer.start()
        r = h.probe("--seconds", "60", "--json")
        killer.join()
        expect(r, 4)
        assert re.search(r"ended it|broke", r.stderr), r.stderr
        assert json.loads(r.stdout)["frames_decoded"] > 0


def signal_ends_it():
    with Host() as h:
        p = subprocess.Popen([PROBE, "connect", f"127.0.0.1:{h.port}", "--trust-first", "--json"],
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        time.sleep(2)
        p.send_signal(signal.SIGINT)
        out, err = p.communicate(timeout=PATIENCE)
        assert p.returncode == 0, err
        assert json.loads(out)["frames_decoded"] > 0


def local_faults():
    with Host() as h:
        for args, word in ((("--dump", "/nowhere/x"), "/nowhere/x"),
                           (("--wav", "/nowhere/x"), "/nowhere/x"),
                           (("--mp4", "/nowhere/x"), "/nowhere/x"),
                           (("--png", "/nowhere/x", "--frames", "10"), "/nowhere/x"),
                           (("--identity", "/nowhere/x"), "/nowhere/x"),
                           (("--input-script", "/nowhere/x"), "/nowhere/x")):
            expect(h.probe("--quiet", *args), 6, word)
        script = h.dir / "script"
        script.write_text("100 move 1 2\n200 jump\n")
        expect(h.probe("--input-script", script), 6, "line 2")


def main():
    tests = [verified_stream, isolated_changes, text_report, loss_is_repaired_and_counted,
             speed_test, benches, a_far_host_is_not_waited_for, automatic_bitrate, wishes_over_a_bad_link,
             key_frames_pass_a_short_queue, narrow_path_gets_smaller_packets, over_ipv6, two_at_once,
             plain_pictures_are_pictures, demands_that_fail, usage, unreachable, refused, host_dies,
             signal_ends_it, local_faults]
    failed = 0
    print(f"1..{len(tests)}", flush=True)
    for i, test in enumerate(tests, 1):
        try:
            test()
            print(f"ok {i} - {test.__name__}", flush=True)
        except Skip as missing:
            print(f"ok {i} - {test.__name__} # SKIP {missing}", flush=True)
        except Exception:
            failed += 1
            print(traceback.format_exc(), file=sys.stderr, flush=True)
            print(f"not ok {i} - {test.__name__}", flush=True)
    return 1 if failed else 0


sys.exit(main())
