#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The transport at the rate of 5120x1440@240: made-up frames of mixed sizes and keyframes
of 5 MB from the real sender, through pf-impair, to the real receiver, which checks every
byte; loss reports and requests go back as in a session. Then the rate rises until frames
are lost.

As root the two ends live in network namespaces with a veth between them (pf-impair beside
the sender), else all is on the loopback. Prints a table, writes BUILD/linerate.json; status 1
when a bar is missed: at most one frame lost a run, nothing lost by the relay itself, no
growth of queues or memory."""
import argparse
import contextlib
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile

RANDOM = "--loss up:2%"
# Gilbert-Elliott: 2 % of all, in bursts of 8.
BURSTS = f"--burst up:{100 * 0.02 / 8 / 0.98:.5f}%:12.5%"


def ip(*args):
    subprocess.run(["ip", *args], check=True)


class Namespaces:
    """Sender's and receiver's, a veth between them."""

    def __init__(self):
        self.names = [f"pf-lr-{end}-{os.getpid()}" for end in "sr"]
        self.relay, self.receiver = "10.88.0.1", "10.88.0.2"
        self.where = "two namespaces, veth"

    def __enter__(self):
        s, r = self.names
        try:
            for n in self.names:
                ip("netns", "add", n)
            ip("link", "add", "v0", "netns", s, "type", "veth", "peer", "name", "v0", "netns", r)
            for n, address in zip(self.names, (self.relay, self.receiver)):
                ip("-n", n, "addr", "add", f"{address}/24", "dev", "v0")
                for device in ("lo", "v0"):
                    ip("-n", n, "link", "set", device, "up")
        except subprocess.CalledProcessError:
            self.__exit__()
            sys.exit("linerate: no namespaces with a veth between them here; --loopback does without")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for n in self.names:
            subprocess.run(["ip", "netns", "del", n], check=False, stderr=subprocess.DEVNULL)

    def argv(self, end, *args):
        return ["ip", "netns", "exec", self.names[end == "receiver"], *map(str, args)]


class Loopback(contextlib.nullcontext):
    relay, receiver, where = "127.0.0.2", "127.0.0.1", "loopback"

    def __enter__(self):
        return self

    def argv(self, end, *args):
        return [*map(str, args)]


def free_port():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def one_run(o, place, rules, seed, mbit, seconds):
    """The three reports of a run, and what the relay used of a processor."""
    tools = pathlib.Path(o.build).resolve() / "tools"
    port = free_port()
    with tempfile.TemporaryDirectory() as d, contextlib.ExitStack() as started:
        d = pathlib.Path(d)

        def start(end, *args, **how):
            child = subprocess.Popen(place.argv(end, *args), **how)
            started.callback(child.wait)
            started.callback(child.kill)  # first; nothing to one that has ended
            return child

        linerate = o.linerate or tools / "linerate/pf-linerate"
        receive = start("receiver", linerate, "receive", "--at", f"{place.receiver}:{port}", "--control", d / "link",
                        "--buffer", o.buffer, "--report", d / "receive")
        relay = start("sender", o.impair or tools / "impair/pf-impair", "--listen", f"{place.relay}:{port}",
                      "--to", f"{place.receiver}:{port}", "--seed", seed, "--report", d / "relay", *rules.split(),
                      stdout=subprocess.PIPE, text=True)
        if not relay.stdout.readline():  # it listens
            sys.exit("linerate: pf-impair did not start, see above")
        send = start("sender", linerate, "send", "--to", f"{place.relay}:{port}", "--control", d / "link", "--seconds",
                     seconds, "--mbit", mbit, "--fps", o.fps, "--keyframe", o.keyframe, "--seed", seed,
                     "--delivery", o.delivery, "--buffer", o.buffer, "--report", d / "send")
        if send.wait() or receive.wait():
            sys.exit("linerate: a run failed, see above")
        relay.terminate()
        relay.stdout.read()
        if relay.returncode is None:
            _, status, used = os.wait4(relay.pid, 0)
            relay.returncode = os.waitstatus_to_exitcode(status)
        if relay.returncode:
            sys.exit("linerate: pf-impair failed, see above")
        out = {name: json.loads((d / name).read_text()) for name in ("send", "receive", "relay")}
    out["relay"]["cpu_ns_per_packet"] = 1e9 * (used.ru_utime + used.ru_stime) / max(
        out["relay"]["total"]["up"]["received"], 1)
    return out


def growth(samples, key):
    """Means of the middle and last third of what was sampled once a second: by then what
    is kept for reuse is there."""
    third = max(len(samples) // 3, 1)
    values = [s[key] for s in samples]
    return [statistics.fmean(values[-2 * third:-third] or values), statistics.fmean(values[-third:])] if values else [0, 0]


def verdict(r, seconds, strict, spare_refused=False):
    """(figures, [bars missed])"""
    send, receive, relay = r["send"], r["receive"], r["relay"]
    up = relay["total"]["up"]
    lost = send["frames"] - receive["intact"]
    data = send["packets"] - send["packets_parity"]
    own = relay["kernel_dropped"] + up["dropped"]["overflow"] + up["dropped"]["send_failed"]
    f = {
        "frames": send["frames"], "lost": lost, "refused": send["refused"], "missing": receive["missing_indices"],
        "dropped_by_receiver": receive["frames_dropped"], "wrong": receive["wrong"],
        "repaired": receive["repaired"], "packets": send["packets"],
        "loss_percent": 100 * (up["dropped"]["loss"] + up["dropped"]["burst"]) / max(up["received"], 1),
        "parity_percent": 100 * send["packets_parity"] / data,
        "wire_overhead_percent": 100 * (send["bytes"] / send["frame_bytes"] - 1),
        "lost_by_relay": own, "lost_by_sender_socket": send["send_errors"],
        "lost_by_receiver_socket": receive["socket_drops"], "keyframes": send["keyframes"],
        "submit_complete_us": receive["submit_complete_us"], "sent_us": send["sent_us"],
        "queue_us": send["queue_us"], "relay_added_us": relay["added_us"],
        "gap_p99_us": receive["gap_p99_us"], "stalls": receive["stalls"],
        "packets_per_wakeup": receive["packets_read"] / max(receive["wakeups"], 1),
        "packets_per_message": receive["packets_read"] / max(receive["messages"], 1),
        "parity_percent_by_second": [s["fec_percent"] for s in send["samples"]],
        "spin_ns_per_packet": send["spin_ns_per_packet"],
        "cpu_ns_per_packet": {"send": send["cpu_ns_per_packet"], "relay": relay["cpu_ns_per_packet"],
                              "receive": receive["cpu_ns_per_packet"]},
        "cores": {who: ns * count / 1e9 / seconds for who, ns, count in (
            ("send", send["cpu_ns_per_packet"], send["packets"]),
            ("relay", relay["cpu_ns_per_packet"], up["received"]),
            ("receive", receive["cpu_ns_per_packet"], receive["packets"]))},
        "queued_frames": growth(send["samples"], "queued_max"),
        "rss_kb": {"send": growth(send["samples"], "rss_kb"), "receive": growth(receive["samples"], "rss_kb")},
        "receiver_socket_bytes": growth(receive["samples"], "socket_bytes"),
    }
    missed = []
    if lost - (send["refused"] if spare_refused else 0) > 1:
        missed.append(f"{lost} frames lost ({send['refused']} never sent: the sender's ring was full)")
    if receive["wrong"] or receive["packets_forged"] or receive["packets_invalid"]:
        missed.append("content is wrong")
    for key, who in (("lost_by_relay", "pf-impair"), ("lost_by_sender_socket", "the sender's socket"),
                     ("lost_by_receiver_socket", "the receiver's socket")):
        if f[key]:
            missed.append(f"{f[key]} packets lost by {who}")
    if strict and len(send["samples"]) >= 15:
        # Up to five wait behind a keyframe, or while pacing is gentle after a lost frame.
        if f["queued_frames"][1] > max(f["queued_frames"][0], 5) + 2:
            missed.append("the sender's queue grows")
        if f["receiver_socket_bytes"][1] > f["receiver_socket_bytes"][0] + (1 << 20):
            missed.append("the receiver's socket queue grows")
        # A buffer that a keyframe meets for the first time grows to its 6 MB and stays so.
        missed += [f"memory of {who} grows" for who, (a, b) in f["rss_kb"].items() if b > 1.1 * a + 8192]
    return f, missed


def row(name, mbit, f, missed):
    c, q = f["cpu_ns_per_packet"], f["submit_complete_us"]
    print(f"{name:18} {mbit:6.0f} {f['frames']:7} {f['lost']:4} {f['loss_percent']:6.2f} {f['parity_percent']:6.1f}"
          f" {f['wire_overhead_percent']:6.1f}  {q['p50'] / 1e3:6.2f} {q['p99'] / 1e3:6.2f} {q['max'] / 1e3:6.1f}"
          f"  {f['queue_us']['p99'] / 1e3:6.2f}  {c['send']:5.0f} {c['relay']:5.0f} {c['receive']:5.0f}"
          f"  {'; '.join(missed) or 'ok'}", flush=True)


def main():
    a = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    a.add_argument("--build", default="build")
    a.add_argument("--json", metavar="FILE", help="the report (BUILD/linerate.json)")
    a.add_argument("--seconds", type=float, default=60)
    a.add_argument("--mbit", type=float, default=1400)
    a.add_argument("--fps", type=int, default=240)
    a.add_argument("--keyframe", default="5000000:2", help="BYTES:SECONDS")
    a.add_argument("--seeds", type=int, default=3)
    a.add_argument("--models", default="random,bursts")
    a.add_argument("--rules", help="pf-impair's, instead of --models")
    a.add_argument("--delivery", default="capped", help="or burst, smooth")
    a.add_argument("--buffer", type=int, default=32 << 20, help="bytes of both sockets")
    a.add_argument("--impair", help="another pf-impair, to compare")
    a.add_argument("--linerate", help=argparse.SUPPRESS)
    a.add_argument("--loopback", action="store_true", help="no namespaces")
    a.add_argument("--spare-refused", action="store_true",
                   help="frames that found the sender's ring full are no loss: beside others' work it may stand still")
    a.add_argument("--rise-seconds", type=float, default=6, help="each step of the rising rate; 0 = none")
    o = a.parse_args()
    if not o.linerate and not (pathlib.Path(o.build) / "tools/linerate/pf-linerate").exists():
        sys.exit(f"linerate: {o.build} has no tools/linerate/pf-linerate: build first, or name another with --build")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("linerate: told to end"))
    root = os.geteuid() == 0 and shutil.which("ip")
    models = {"random": RANDOM, "bursts": BURSTS}
    unknown = [m for m in o.models.split(",") if m not in models]
    if unknown:
        a.error(f"no such model: {', '.join(unknown)}; there are: {', '.join(models)}")
    models = {"rules": o.rules} if o.rules else {m: models[m] for m in o.models.split(",")}
    report, bad = {"runs": [], "rise": []}, 0
    with (Namespaces() if root and not o.loopback else Loopback()) as place:
        report["place"] = place.where
        print(f"{place.where}; {o.fps} frames/s, keyframes {o.keyframe}, {o.seconds:g} s a run")
        print(f"{'':18} {'Mbit/s':>6} {'frames':>7} {'lost':>4} {'loss%':>6} {'parity':>6} {'wire+%':>6}"
              f"  {'submit to complete, ms':>20}  {'queue':>6}  {'CPU ns per packet':>17}")
        print(f"{'':52}  {'p50':>6} {'p99':>6} {'max':>6}  {'p99':>6}  {'send':>5} {'relay':>5} {'recv':>5}")
        for model, rules in models.items():
            for seed in range(1, o.seeds + 1):
                f, missed = verdict(one_run(o, place, rules, seed, o.mbit, o.seconds), o.seconds, True,
                                    o.spare_refused)
                row(f"{model} seed {seed}", o.mbit, f, missed)
                bad += bool(missed)
                report["runs"].append({"model": model, "seed": seed, "mbit": o.mbit, "missed": missed, **f})
        mbit = o.mbit
        while o.rise_seconds and mbit < 20 * o.mbit:
            mbit *= 1.15
            f, missed = verdict(one_run(o, place, next(iter(models.values())), 1, mbit, o.rise_seconds), o.rise_seconds,
                                False)
            row("rising", mbit, f, missed)
            report["rise"].append({"mbit": mbit, "missed": missed, **f})
            if missed:
                used = ", ".join(f"{who} {c:.2f}" for who, c in f["cores"].items())
                print(f"breaks at {mbit:.0f} Mbit/s: {'; '.join(missed)}. Of {os.cpu_count()} processors "
                      f"{sum(f['cores'].values()):.2f} in use: {used}")
                break
    pathlib.Path(o.json or f"{o.build}/linerate.json").write_text(json.dumps(report, indent=1) + "\n")
    print(f"linerate: {len(report['runs']) - bad} of {len(report['runs'])} runs within the bars")
    return 1 if bad else 0


try:
    sys.exit(main())
except KeyboardInterrupt:
    sys.exit("linerate: interrupted")
