#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""make demo: a headless desktop, streamed through a lossy network, measured.

Starts punktfunk-host with a desk that runs a terminal, a clock and the pattern
program, connects punktfunk-probe through pf-impair, moves the pointer and types,
and writes report.json, screenshot.png, recording.mp4 and the logs.

Each figure has a source that does not depend on the thing it judges:
  frames sent          the host's own report
  frames shown         the probe: decoded, in order, within 120 ms
  loss                 the relay
  draw time            the clock strip in the picture
  input seen           Wayland clients inside the desk: pf-pattern counts its
                       events, the terminal's protocol trace gives the rest
  typed text           read from the pixels of the decoded screenshot
  mode                 pf-pattern's wl_output
  host CPU             /proc/PID/stat
  sound                decoded by the probe and searched for the tone played

--spoil NAME breaks one source on purpose; the demo must then fail."""
import argparse
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

import screentext

TEXT = "echo punktfunk types here"
PROMPT = "punktfunk$ "
TONE_HZ = 440
ANIMATE_S = 6.0
SPOILS = ("loss", "input", "mode", "sound", "picture", "frames", "host_report", "clock", "text")
KEYS = """frames_sent frames_received frames_decoded frames_not_shown frames_repaired
loss_injected_pct fps first_frame_ms draw_to_received_ms isolated_change_ms
convert_encode_ms host_cpu_ms_per_frame bitrate_kbps audio_packets input_events_sent
input_events_seen mode codec display_backend""".split()


class DemoError(Exception):
    pass


def free_ports(count):
    """UDP ports free on both loopback addresses that the relay joins."""
    ports = []
    for port in range(21000 + os.getpid() % 9000, 60000):
        try:
            for addr in ("127.0.0.1", "127.0.0.2"):
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                    s.bind((addr, port))
        except OSError:
            continue
        ports.append(port)
        if len(ports) == count:
            return ports
    raise DemoError("no free UDP port on loopback")


def cpu_seconds(pid):
    """User and system time of one process, its children left out."""
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Demo:
    def __init__(self, args):
        self.args = args
        self.build = pathlib.Path(args.build).resolve()
        self.out = pathlib.Path(args.out or self.build / "demo").resolve()
        self.procs = []
        self.problems = []
        # The host runs as another user when we are root: what it and its desk
        # touch must lie where that user may go.
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="punktfunk-demo-"))
        self.as_root = os.geteuid() == 0

    def tool(self, name):
        found = sorted(self.build.glob(f"**/{name}"))
        found = [f for f in found if f.is_file() and os.access(f, os.X_OK)]
        if not found:
            raise DemoError(f"{name} is not in {self.build}: run make build")
        return found[0]

    def start(self, name, argv, **kw):
        log = open(self.out / f"{name}.log", "w")
        p = subprocess.Popen([str(a) for a in argv], stdout=kw.pop("stdout", log), stderr=log,
                             stdin=subprocess.DEVNULL, **kw)
        p.name = name
        self.procs.append(p)
        return p

    def stop(self, p, seconds=8):
        if p.poll() is None:
            p.send_signal(signal.SIGTERM)
        try:
            return p.wait(seconds)
        except subprocess.TimeoutExpired:
            p.kill()
            p.wait()
            self.problems.append(f"{p.name} did not end when asked")
            return -9

    def prepare(self):
        if self.out.exists():
            shutil.rmtree(self.out)
        self.out.mkdir(parents=True)
        self.work.chmod(0o755)
        self.desk = self.work / "desk"
        self.desk.mkdir()
        for name in ("pf-pattern", "pf-tone"):
            shutil.copy(self.tool(name), self.desk / name)
            (self.desk / name).chmod(0o755)
        spoil = self.args.spoil
        w, h = self.size
        half = 640
        (self.desk / "clock").write_text(
            "#!/bin/sh\nwhile :; do printf '\\033[2J\\033[H\\n   %s' \"$(date +%T)\"; sleep 1; done\n")
        (self.desk / "shell").write_text(
            f"#!/bin/sh\nprintf '{screentext.KEY}'\nunset ENV\nexport PS1='{PROMPT}'\nexec sh -i\n")
        pattern = "./pf-pattern --mode animate --content scroll"
        isolated = "./pf-pattern --mode isolated"
        report = "other.json" if spoil == "mode" else "animate.json"
        (self.desk / "session").write_text(f"""#!/bin/sh
cd '{self.desk}' || exit 1
rules() {{
    for what in 'floating enable' 'border none' "resize set $4 $5" "move absolute position $2 $3"; do
        swaymsg -q "for_window [app_id=\\"$1\\"] $what"
    done
}}
rules pf-pattern 0 0 {half} {h}
rules term {half} 0 {w - half} {h * 2 // 3}
swaymsg -q 'no_focus [app_id="pf-pattern"]'
rules clock {half} {h * 2 // 3} {w - half} {h - h * 2 // 3}
{'' if spoil == 'clock' else f'{pattern} --size {half}x{h} --duration {ANIMATE_S} --report {report} &'}
patternpid=$!
{'' if spoil == 'input' else 'WAYLAND_DEBUG=1 '}foot -a term -f 'DejaVu Sans Mono:pixelsize=16' ./shell 2>foot.trace &
foot -a clock -f 'DejaVu Sans Mono:pixelsize=16' ./clock 2>/dev/null &
{'' if spoil == 'sound' else f'./pf-tone --hz {TONE_HZ} --gain 0.1 --seconds 60 2>tone.log &'}
wait $patternpid
{'' if spoil == 'clock' else f'{isolated} --size {half}x{h} --report isolated.json &'}
wait
""")
        for name in ("clock", "shell", "session"):
            (self.desk / name).chmod(0o755)
        if self.as_root:
            user = pwd.getpwnam(self.args.user)
            os.chown(self.desk, user.pw_uid, user.pw_gid)
            self.hostdir = self.work / "host"
            self.hostdir.mkdir()
            os.chown(self.hostdir, user.pw_uid, user.pw_gid)
        else:
            self.hostdir = self.work / "host"
            self.hostdir.mkdir()

    @property
    def size(self):
        m = re.fullmatch(r"(\d+)x(\d+)@(\d+)", self.args.mode)
        return int(m.group(1)), int(m.group(2))

    def input_script(self):
        """Lines 'MS what': moves over the pattern, then a click and words in the terminal."""
        lines = [f"{1500 + i * 16} move {100 + i * 7} {200 + i * 4}" for i in range(60)]
        lines.append("2700 button 1 down")
        lines.append("2760 button 1 up")
        lines.append("3000 move 900 200")
        lines.append("3060 button 1 down")
        lines.append("3120 button 1 up")
        lines.append(f"3300 text {TEXT.replace('types', 'tapes') if self.args.spoil == 'text' else TEXT}")
        lines.append("4600 key 0x0d down")
        lines.append("4620 key 0x0d up")
        path = self.out / "input.txt"
        path.write_text("\n".join(lines) + "\n")
        return path

    def wait_ready(self, host, fd, seconds=15):
        end = time.monotonic() + seconds
        text = b""
        os.set_blocking(fd, False)
        while time.monotonic() < end:
            if host.poll() is not None:
                raise DemoError(f"punktfunk-host ended: {(self.out / 'host.log').read_text()[-600:]}")
            try:
                text += os.read(fd, 4096)
            except BlockingIOError:
                pass
            if b"\n" in text:
                return text.decode(errors="replace")
            time.sleep(0.005)
        raise DemoError("punktfunk-host did not get ready")

    def run(self):
        args = self.args
        self.prepare()
        port, data_port = free_ports(2)
        host_report = self.hostdir / "report.json"
        r, w = os.pipe()
        os.set_inheritable(w, True)
        env = dict(os.environ, XDG_STATE_HOME=str(self.hostdir), XDG_DATA_HOME=str(self.hostdir),
                   XDG_CONFIG_HOME=str(self.hostdir))
        env.pop("WAYLAND_DISPLAY", None)
        env.pop("DISPLAY", None)
        argv = [self.tool("punktfunk-host"), "serve", "--bind-address", "127.0.0.1", "--port", port,
                "--data-port", data_port, "--mgmt-port", "0", "--trust-on-first-use=yes", "--ready-fd", w,
                "--session-command", "" if args.spoil == "picture" else self.desk / "session"]
        if args.spoil != "host_report":
            argv += ["--report", host_report]
        if self.as_root:
            argv += ["--user", args.user]
        host = self.start("host", argv, env=env, pass_fds=[w])
        os.close(w)
        ready = self.wait_ready(host, r)

        relay_report = self.out / "relay.json"
        relay_argv = [self.tool("pf-impair"), "--seed", args.seed, "--report", relay_report,
                      "--map", f"127.0.0.2:{port}=127.0.0.1:{port}",
                      "--map", f"127.0.0.2:{data_port}=127.0.0.1:{data_port}", "--only", data_port]
        if args.spoil != "loss":
            relay_argv += ["--loss", f"{60 if args.spoil == 'frames' else args.loss}%"]
        relay = self.start("relay", relay_argv)
        time.sleep(0.1)

        probe_json = self.out / "probe.json"
        argv = [self.tool("punktfunk-probe"), "connect", f"127.0.0.2:{port}", "--trust-first",
                "--mode", args.mode, "--seconds", args.seconds, "--verify", "--json",
                "--bitrate", args.bitrate,
                "--input-script", self.input_script(), "--expect-content", "--expect-tone", TONE_HZ,
                "--png", self.out / "screenshot.png", "--png-at", min(ANIMATE_S - 0.3, args.seconds - 0.5),
                "--mp4", self.out / "recording.mp4"]
        cpu_before = cpu_seconds(host.pid)
        with open(probe_json, "w") as f:
            probe = self.start("probe", argv, stdout=f)
            try:
                code = probe.wait(args.seconds + 30)
            except subprocess.TimeoutExpired:
                raise DemoError("punktfunk-probe did not end")
        cpu = cpu_seconds(host.pid) - cpu_before
        if code not in (0, 5):
            raise DemoError(f"punktfunk-probe failed ({code}): {(self.out / 'probe.log').read_text()[-600:]}")
        time.sleep(0.1)
        for name in ("animate.json", "isolated.json", "foot.trace", "tone.log"):
            if (self.desk / name).exists():
                shutil.copy(self.desk / name, self.out / name)
        self.stop(host)
        self.stop(relay)
        return self.collect(ready, cpu, host_report, relay_report, probe_json)

    def close(self):
        for p in self.procs:
            if p.poll() is None:
                p.terminate()
        for p in self.procs:
            try:
                p.wait(5)
            except subprocess.TimeoutExpired:
                p.kill()
        shutil.rmtree(self.work, ignore_errors=True)

    def load(self, path, what):
        try:
            return json.loads(pathlib.Path(path).read_text())
        except (OSError, ValueError) as e:
            self.problems.append(f"no {what}: {e}")
            return {}

    def input_seen(self):
        """Events that the clients inside got: (pattern, terminal)."""
        pattern = self.load(self.out / "animate.json", "report of pf-pattern")
        reports = [pattern]
        if (self.out / "isolated.json").exists():
            reports.append(self.load(self.out / "isolated.json", "second report of pf-pattern"))
        seen = sum(r.get(k, 0) for r in reports for k in (
            "motions", "buttons_pressed", "buttons_released", "keys_pressed", "keys_released", "scrolls"))
        trace = self.out / "foot.trace"
        text = trace.read_text(errors="replace") if trace.exists() else ""
        event = r"\] +(?:wl_keyboard@\d+\.key|wl_pointer@\d+\.(?:button|motion))\("
        return pattern, seen, len(re.findall(event, text)), "wl_pointer" in text and len(
            re.findall(r"\] +wl_pointer@\d+\.enter\(", text))

    def text_read(self):
        """The two lines that typing left in the picture."""
        try:
            return screentext.read_lines(self.out / "screenshot.png", 640, self.size[1] * 2 // 3, 2)
        except (screentext.Unreadable, OSError) as e:
            self.problems.append(f"no text can be read from the screenshot: {e}")
            return None

    def x264_floor(self):
        """CPU of x264 alone for the frames just streamed, at the same rate."""
        if self.args.spoil:
            return None
        r = subprocess.run([str(self.tool("pf-x264-floor")), "--frames-from", str(self.out / "recording.mp4"),
                            "--mode", self.args.mode, "--bitrate", str(self.args.bitrate)],
                           capture_output=True, text=True, timeout=60)
        try:
            return json.loads(r.stdout)["encode_cpu_ms_per_frame"]
        except (ValueError, KeyError):
            self.problems.append(f"no figure from pf-x264-floor: {r.stderr.strip()}")
            return None

    def collect(self, ready, cpu, host_report, relay_report, probe_json):
        args = self.args
        probe = self.load(probe_json, "report of punktfunk-probe")
        relay = self.load(relay_report, "report of pf-impair")
        host = self.load(host_report, "report of punktfunk-host")
        if host:
            shutil.copy(host_report, self.out / "host.json")
        session = (host.get("sessions") or [{}])[0]
        pattern, seen_pattern, seen_term, enters = self.input_seen()

        down = {}
        for m in relay.get("maps", []):
            if m.get("rough"):
                down = m["down"]
        loss = None
        if down.get("received"):
            loss = 100.0 * down["dropped"]["loss"] / down["received"]
        seconds = probe.get("seconds") or 0
        mode = None
        if pattern.get("mode_width"):
            mode = f"{pattern['mode_width']}x{pattern['mode_height']}@{pattern['mode_mhz'] / 1000:g}"
        decoded = probe.get("frames_decoded")
        report = {
            "frames_sent": session.get("frames_sent"),
            "frames_received": probe.get("frames_received"),
            "frames_decoded": decoded,
            "frames_not_shown": probe.get("frames_not_shown"),
            "frames_repaired": probe.get("frames_repaired"),
            "loss_injected_pct": loss,
            "fps": probe.get("fps"),
            "first_picture_ms": probe.get("first_picture_ms"),
            "first_frame_ms": probe.get("first_frame_ms"),
            "draw_to_received_ms": probe.get("draw_to_received_ms"),
            "isolated_change_ms": probe.get("isolated_change_ms"),
            "captured_to_received_ms": probe.get("captured_to_received_ms"),
            "convert_encode_ms": session.get("convert_encode_ms"),
            "host_cpu_ms_per_frame": 1000 * cpu / decoded if decoded else None,
            "bitrate_kbps": down["received_bytes"] * 8 / 1000 / seconds if down and seconds else None,
            "audio_packets": probe.get("audio_packets"),
            "input_events_sent": probe.get("input_events_sent"),
            "input_events_seen": seen_pattern + seen_term + (enters or 0),
            "text_read": self.text_read(),
            "mode": mode,
            "codec": probe.get("codec"),
            "display_backend": host.get("display_backend"),
            "x264_floor_cpu_ms_per_frame": self.x264_floor(),
            "relay_added_us": relay.get("added_us"),
            "seed": args.seed,
        }
        self.check(report, probe, session)
        (self.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        return report

    def check(self, r, probe, session):
        """Notes what is missing or not as it must be."""
        bad = self.problems.append
        args = self.args
        for key in KEYS:
            if r[key] is None:
                bad(f"{key} was not measured")
        if None in (r["frames_sent"], r["frames_received"], r["loss_injected_pct"], r["audio_packets"]):
            return
        # What left the host after the probe stopped looking is not missing.
        tail = r["frames_sent"] - probe.get("frames_sent", 0)
        if tail < 0 or tail > 60:
            bad(f"the host sent {r['frames_sent']} frames, the probe saw numbers up to {probe.get('frames_sent')}")
        if r["frames_not_shown"] > args.max_not_shown:
            bad(f"{r['frames_not_shown']} frames were not shown, {args.max_not_shown} allowed")
        if not 0.4 * args.loss <= r["loss_injected_pct"] <= 2.5 * args.loss:
            bad(f"the relay dropped {r['loss_injected_pct']:.2f} %, asked were {args.loss} %")
        if not probe.get("strips") or probe.get("strip_not_forward"):
            bad(f"the clock strip went back {probe.get('strip_not_forward')} times in {probe.get('strips')} pictures")
        if r["audio_packets"] < 100 * args.seconds or abs((probe.get("audio_tone_hz") or 0) - TONE_HZ) > 5:
            bad(f"{r['audio_packets']} sound packets, strongest tone {probe.get('audio_tone_hz')} Hz")
        if r["input_events_seen"] < r["input_events_sent"]:
            bad(f"{r['input_events_sent']} input events sent, {r['input_events_seen']} seen")
        if r["text_read"] and r["text_read"] != [PROMPT + TEXT, TEXT.removeprefix("echo ")]:
            bad(f"the screenshot reads {r['text_read']}, typed was {TEXT!r}")
        if r["mode"] != args.mode:
            bad(f"the display's mode is {r['mode']}, asked was {args.mode}")
        boxes = mp4_handlers(self.out / "recording.mp4")
        if sorted(boxes) != ["soun", "vide"]:
            bad(f"recording.mp4 holds {boxes or 'nothing'}")
        if not (self.out / "screenshot.png").exists():
            bad("no screenshot.png")

    def print_table(self, r):
        def ms(v):
            return "-" if not v else f"{v['p50']:.1f} / {v['p99']:.1f} ms" if isinstance(v, dict) else f"{v:.1f} ms"

        rows = [
            ("mode", f"{r['mode']} {r['codec']}, display {r['display_backend']}"),
            ("first picture / with content", f"{ms(r['first_picture_ms'])} / {ms(r['first_frame_ms'])}"),
            ("draw -> received, p50 / p99", ms(r["draw_to_received_ms"])),
            ("isolated change -> received", ms(r["isolated_change_ms"])),
            ("captured -> received", ms(r["captured_to_received_ms"])),
            ("convert + encode", ms(r["convert_encode_ms"])),
            ("frames sent / decoded / not shown", f"{r['frames_sent']} / {r['frames_decoded']} / {r['frames_not_shown']}"),
            ("repaired by FEC", f"{r['frames_repaired']} frames at {r['loss_injected_pct'] or 0:.2f} % loss"),
            ("rate", f"{r['fps'] or 0:.1f} fps, {r['bitrate_kbps'] or 0:.0f} kbit/s"),
            ("host CPU", "-" if r["host_cpu_ms_per_frame"] is None else f"{r['host_cpu_ms_per_frame']:.2f} ms a frame, "
             f"x264 alone {r['x264_floor_cpu_ms_per_frame'] or 0:.2f}"),
            ("sound", f"{r['audio_packets']} packets"),
            ("input events sent / seen", f"{r['input_events_sent']} / {r['input_events_seen']}"),
            ("typed, read from the picture", (r["text_read"] or ["-"])[0]),
        ]
        print()
        for name, value in rows:
            print(f"  {name:36s} {value}")
        print(f"\n  report.json, screenshot.png, recording.mp4 and the logs are in {self.out}")


def mp4_handlers(path):
    """Handler types of the tracks of an MP4 file: 'vide', 'soun'."""
    try:
        data = path.read_bytes()
    except OSError:
        return []
    found = []

    def walk(start, end):
        while start + 8 <= end:
            size, kind = int.from_bytes(data[start:start + 4], "big"), data[start + 4:start + 8]
            head = 8
            if size == 1:
                size, head = int.from_bytes(data[start + 8:start + 16], "big"), 16
            if size < head or start + size > end:
                return
            if kind == b"hdlr":
                found.append(data[start + head + 8:start + head + 12].decode("latin1"))
            elif kind in (b"moov", b"trak", b"mdia"):
                walk(start + head, start + size)
            start += size

    walk(0, len(data))
    return found


def main():
    a = argparse.ArgumentParser(description="Streams a headless desktop and measures it.")
    a.add_argument("--build", default="build", help="meson build directory")
    a.add_argument("--out", help="where the results go (BUILD/demo)")
    a.add_argument("--mode", default="1280x720@60")
    a.add_argument("--seconds", type=float, default=10)
    a.add_argument("--loss", type=float, default=2, help="per cent of video packets")
    a.add_argument("--seed", type=int, default=1)
    a.add_argument("--bitrate", type=int, default=10000)
    a.add_argument("--max-not-shown", type=int, default=5)
    a.add_argument("--user", default="punktfunk", help="who the host becomes when run as root")
    a.add_argument("--spoil", choices=SPOILS, help="break one source: the demo must fail")
    demo = Demo(a.parse_args())
    try:
        report = demo.run()
        demo.print_table(report)
    except (DemoError, OSError) as e:
        demo.problems.append(str(e))
    finally:
        demo.close()
    for p in demo.problems:
        print(f"demo: {p}", file=sys.stderr)
    if not demo.problems:
        print("  demo: all checks passed")
    return 1 if demo.problems else 0


if __name__ == "__main__":
    sys.exit(main())
