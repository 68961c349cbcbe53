#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What a hostile or broken client cannot do to the GameStream plane: one test for each
weakness of the protocol that concerns sessions, against a real host with a synthetic
picture.

usage: gamestream_security.py PUNKTFUNK-HOST. Prints TAP."""
import contextlib
import fcntl
import os
import shutil
import socket
import struct
import subprocess
import sys
import threading
import time

import gs_bed  # first: it finds the others
import host_bed
from gs import client, control, enet, rtsp, web

QUIET = 0.7  # long enough for an answer that must not come
bed = gs_bed.Shared("--audio-backend", "null", "--log-level", "debug",
                    "--gamestream-plain-rtsp=no", clients=32)


def session(**announce):
    return client.Session(bed.client(), **announce)


@contextlib.contextmanager
def streaming(**announce):
    """A session with moving pictures, quit at the end."""
    with session(**announce) as s:
        s.start().frames(2)
        yield s
        s.frames(2)
    s.web.cancel()


def refused(status, call, *args, **query):
    try:
        call(*args, **query)
    except (web.Refused, rtsp.RtspError) as e:
        assert e.status == status, f"{e} instead of {status}"
        return
    raise AssertionError(f"no refusal with {status}")


def unanswered(call, *args):
    try:
        call(*args)
    except ConnectionError:
        return
    raise AssertionError("an answer")


def silent(s, what):
    """Nothing comes on a socket for a while."""
    s.settimeout(QUIET)
    try:
        data = s.recv(2048)
    except (TimeoutError, ConnectionRefusedError):
        return
    raise AssertionError(f"{what}: {len(data)} bytes")


def udp(s, name):
    """Another socket to a port of the session's."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((s.web.address, s.ports[name]))
    return sock


# ---- rows 8 and 12: RTSP ----

def row_8_plain_rtsp_is_refused():
    w = bed.client()
    refused(403, w.launch, corever=None)
    refused(403, w.launch, corever=0)
    with client.Session(w) as s:
        s.launch()
        plain = rtsp.Rtsp(s.rtsp.url.replace("rtspenc", "rtsp"), s.key)
        assert plain.exchange(plain.text("OPTIONS", plain.url)) == b""
        s.handshake().open().connect().frames(1)
    w.cancel()


def row_8_rtsp_with_another_key_is_not_answered():
    s = session().launch()
    stranger = rtsp.Rtsp(s.rtsp.url, os.urandom(16))
    unanswered(stranger.describe)
    text = s.rtsp.seal(s.rtsp.text("OPTIONS", s.rtsp.url))
    assert s.rtsp.exchange(text), "the right key"
    assert s.rtsp.exchange(text) == b"", "a replayed request"
    for spoilt in (text[:30], text[:-1] + bytes([text[-1] ^ 1]), text + b"x", b"\xff" * 4,
                   b"\x80" + bytes(40)):
        assert s.rtsp.exchange(spoilt) == b"", spoilt
    s.handshake()
    s.web.cancel()


def row_8_rtsp_out_of_order_is_refused():
    s = session().launch()
    refused(455, s.rtsp.play)
    refused(404, s.rtsp.set_up, "application/0/0")
    refused(404, s.rtsp.set_up, "")
    for verb in ("TEARDOWN", "RECORD", "GET_PARAMETER"):
        refused(404, s.rtsp.request, verb, "/")
    s.handshake()
    for call in (s.set_up, s.rtsp.play):
        call()  # a client may ask again
    s.open().connect().frames(1)
    unanswered(s.rtsp.describe)  # RTSP ends where the control connection begins
    s.close()
    s.web.cancel()


def row_11_only_the_new_control_encryption():
    s = session(encryption=0).launch()
    s.set_up()
    refused(403, s.announce)
    s.attributes["x-ss-general.encryptionEnabled"] = rtsp.CONTROL_V2
    s.attributes["x-ml-general.featureFlags"] = 1
    refused(403, s.announce)
    s.web.cancel()
    with streaming() as s:
        # The old scheme: 16 bytes of IV, the first of them counts.
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
        text = struct.pack("<HH", control.INPUT, 0)
        sealed = AESGCM(s.key).encrypt(bytes(16), text, None)
        s.send_raw(struct.pack("<HHI", 1, 4 + len(sealed), 0) + sealed[-16:] + sealed[:-16])
        s.delivered()


def row_12_a_second_announce_is_refused():
    with session() as s:
        s.launch().handshake()
        refused(400, s.announce)
        s.open().connect().frames(1)
    s.web.cancel()


def row_12_a_session_key_is_used_once():
    with session() as s:
        s.start().frames(1)
        refused(400, s.web.launch, key=s.key)
        refused(400, s.web.launch, key=s.key, resume=True)
    refused(400, s.web.launch, key=s.key, resume=True)
    s.web.cancel()


def row_12_a_second_control_connection_is_refused():
    with streaming() as s:
        sock = udp(s, "control")
        second = enet.Enet(sock.send, s.connect_data)
        silent(sock, "an answer to a second connection")
        assert not second.connected
        sock.close()


# ---- row 9: pings ----

def row_9_nothing_is_sent_without_the_ping_payload():
    with session() as s:
        s.launch().handshake().open()
        s.ping_media = False
        s.connect()
        for name in ("video", "audio"):
            sock = udp(s, name)
            good = s.pings[name]
            for bad in (b"PING", good, client.ping(b"0" * 16, 1), client.ping(good[:15] + b"!", 1),
                        client.ping(good, 1) + b"x", b"", client.ping(bytes(16), 1)):
                sock.send(bad)
            silent(sock, f"{name} without the payload")
            sock.close()
        assert not s.video.packets and not s.sound.data
        s.ping_media = True
        s.frames(2)
    s.web.cancel()


def row_9_a_replayed_ping_does_not_move_the_stream():
    with streaming() as s:
        # Of the newest ping he may be the first to tell: he takes the one before.
        s.until(lambda: s.counters["video"] >= 4, "more pings")
        thief = udp(s, "video")
        thief.send(client.ping(s.pings["video"], 2))
        thief.send(client.ping(s.pings["video"], 1))
        silent(thief, "video for a replayed ping")
        s.frames(3)
        # A client whose address changed counts on.
        s.counters["video"] += 1000
        thief.send(client.ping(s.pings["video"], s.counters["video"]))
        thief.settimeout(host_bed.PATIENCE)
        assert len(thief.recv(2048)) > 1000, "video at the new address"
        thief.close()
        s.frames(3)


# ---- rows 10, 13, 14, 15, 18: the control connection ----

def row_10_only_the_connect_data_opens_a_control_connection():
    with session() as s:
        s.launch().handshake().open()
        for data in (0, s.connect_data ^ 0x10000):
            sock = udp(s, "control")
            enet.Enet(sock.send, data)
            silent(sock, "an answer to other connect data")
            sock.close()
        s.connect().frames(1)
    s.web.cancel()


def row_10_who_saw_the_connect_data_does_not_get_the_session():
    with session() as s:
        s.launch().handshake().open()
        sock = udp(s, "control")
        sock.setblocking(True)
        sock.settimeout(host_bed.PATIENCE)
        thief = enet.Enet(sock.send, s.connect_data)
        while not thief.connected:
            thief.receive(sock.recv(2048))
        thief.send(0, os.urandom(40))
        s.connect().frames(2)
        # His connection is of no use, and ends.
        while not thief.closed:
            thief.receive(sock.recv(2048))
        sock.close()
        s.frames(2)
    s.web.cancel()


def row_13_a_replayed_control_packet_is_dropped():
    with streaming() as s:
        old = s.seal.seal(control.INPUT, control.move(5, 5))
        for _ in range(3):
            s.send_raw(old, control.MOUSE)
        s.delivered()
        # Out of order is no replay: other channels overtake.
        numbers = [s.seal.sent + i for i in (3, 1, 0, 2)]
        with s.lock:
            s.seal.sent += 4
        for n in numbers:
            s.send(control.INPUT, control.move(1, 0), control.MOUSE, number=n)
        s.delivered()


def row_14_another_address_cannot_speak_for_the_client():
    with streaming() as s:
        sock = udp(s, "control")
        head = struct.pack("!HH", s.enet.peer | s.enet.session << 12 | enet.SENT_TIME, 0)
        for number in range(s.enet.number, s.enet.number + 20):
            sock.send(head + struct.pack("!BBHI", enet.DISCONNECT | enet.WANT_ACK, 0xFF,
                                         number & 0xFFFF, 0))
        silent(sock, "an answer to another address")
        sock.close()
        s.frames(5)
        assert not s.enet.closed


def row_15_a_forged_control_packet_is_dropped():
    with streaming() as s:
        good = s.seal.seal(control.PING, bytes(8))
        for bad in (good[:8] + bytes(16) + good[24:], good[:-1] + bytes([good[-1] ^ 1]),
                    good[:23], good[:4], b"\0", os.urandom(64), good + b"\0",
                    b"\2\0" + good[2:], os.urandom(2000)):
            s.send_raw(bad, control.GENERIC)
        s.delivered()
        s.frames(5)
        assert not s.enet.closed and not s.messages


def row_18_malformed_messages_are_dropped():
    nan, inf = float("nan"), float("inf")
    with streaming() as s:
        for kind in (control.IDR, control.INVALIDATE, control.FEC_STATUS, control.PING, 0x0350,
                     0x0201, 0x1234, control.TERMINATION):
            for size in (0, 1, 3, 20, 200):
                s.send(kind, os.urandom(size))
        s.send(control.INVALIDATE, struct.pack("<6I", 0xFFFFFFFF, 0, 1, 0, 0, 0), control.URGENT)
        s.send(control.FEC_STATUS, b"\xff" * 21)
        events = [control.touch(1, 1, nan, 0), control.touch(1, 1, inf, -inf),
                  control.touch(200, 1, 0, 0), control.pen(1, nan, 0, pressure=inf),
                  control.pad(16, 0xFFFF), control.pad(-1, 1), control.pad_arrival(255),
                  control.pad_motion(200, 9, nan, nan, nan), control.pad_touch(16, 9, 0, nan, 0),
                  control.pad_battery(99, 99, 255), control.place(1, 1, 1, 1),
                  control.button(True, 0), control.button(True, 255), control.key(True, 0),
                  control.text("\uFFFF"), b"", b"\0", b"\0\0\0\4", bytes(8)]
        whole = control.key(True, 0x41)
        events += [whole[:n] for n in range(len(whole))]
        events += [b"\xff\xff\xff\xff" + whole[4:], whole + b"\0" * 100]
        events += [struct.pack("!I", 4 + n) + struct.pack("<I", 0x17) + b"\xff" * n
                   for n in (1, 4, 33, 1000)]
        for event in events:
            s.input(event, control.GENERIC)
        s.delivered()
        s.frames(5)
        assert not s.enet.closed
        assert [k for k, _ in s.messages] == []


# ---- row 19: the announcement ----

BAD = {
    "x-nv-video[0].packetSize": (0, 16, 31, 200, 1393, 65536, -16, "", "x", 2 ** 32),
    "x-nv-video[0].clientViewportWd": (0, 1, 1281, 1 << 20, -1280, "1280x720"),
    "x-nv-video[0].clientViewportHt": (0, 2, 721, 1 << 31),
    "x-nv-video[0].maxFPS": (0, -60, 481, 2 ** 31),
    "x-nv-vqos[0].bitStreamFormat": (1, 2, 3, 255),
    "x-ml-video.configuredBitrateKbps": (0, 499, 500001, 2 ** 33),
    "x-nv-aqos.packetDuration": (0, 1, 4, 7, 20, 1000),
    "x-nv-audio.surround.numChannels": (0, 1, 3, 7, 9, 255),
    "x-nv-general.useReliableUdp": (0, 1),
    "x-nv-video[0].dynamicRangeMode": (1, 2),
    "x-ss-video[0].chromaSamplingType": (2, -1),
    "x-nv-video[0].videoEncoderSlicesPerFrame": (0, 17, 10 ** 6),
    "x-nv-vqos[0].fec.minRequiredFecPackets": (-1,),
}
MUST = ("x-nv-video[0].packetSize", "x-nv-video[0].clientViewportWd",
        "x-nv-video[0].clientViewportHt", "x-nv-video[0].maxFPS")


def row_19_attributes_out_of_range_are_refused():
    with session() as s:
        s.launch()
        s.set_up()
        good = dict(s.attributes)
        for name, values in BAD.items():
            assert name in good, name
            for value in values:
                s.attributes = {**good, name: value}
                try:
                    s.announce()
                except rtsp.RtspError as e:
                    assert e.status == 400, f"{name}:{value} gives {e.status}"
                else:
                    raise AssertionError(f"{name}:{value} is accepted")
        for name in MUST:
            s.attributes = {**good, name: None}
            refused(400, s.announce)
        s.attributes = good
        s.announce()
        s.open().connect().frames(1)
    s.web.cancel()


# ---- rows 20, 21: other clients, apps ----

def row_20_a_client_sees_and_ends_only_its_own():
    other = bed.client()
    with streaming() as s:
        info = other.info()
        assert info["currentgame"] == "0" and info["state"].endswith("_SERVER_FREE")
        refused(503, other.launch, resume=True)
        other.cancel()
        s.frames(5)
        assert not s.enet.closed
        assert s.web.info()["currentgame"] == "1"
    # Without a certificate there is nothing but 401.
    stranger = web.Web(bed.host.base, web.Identity())
    for path in ("serverinfo", "applist", "appasset", "launch", "resume", "cancel"):
        assert stranger.ask(path).status == 401, path


def row_21_a_launch_names_an_app_and_nothing_else():
    w = bed.client()
    for app in (2, 2 ** 31, 0, -1, "1;id", "../1", ""):
        try:
            w.launch(app=app)
        except web.Refused as e:
            assert e.status in (400, 404), (app, e.status)
        else:
            raise AssertionError(f"app {app!r} runs")
    for spoil in ({"rikey": "00"}, {"rikey": None}, {"rikeyid": "x"}, {"mode": "0x0x0"},
                  {"mode": "99999x720x60"}, {"mode": None}, {"surroundAudioInfo": 1 << 40},
                  {"localAudioPlayMode": None}):
        refused(400, w.launch, **spoil)


# ---- row 22: silence ----

def hang(port, data, most):
    """Seconds until the host hangs up."""
    start = time.monotonic()
    assert web.raw("127.0.0.1", port, data, most) is not None, f"port {port} waits for ever"
    return time.monotonic() - start


def row_22_slow_connections_are_dropped():
    base = bed.start().base
    starts = {base: (b"", b"GET /serverinfo HTTP/1.1\r\nHost:"),
              base - 5: (b"", b"\x16\x03\x01"),
              base + 21: (b"", b"OPTIONS rtsp://", b"\x80\0\0\x40")}
    took, failed = [], []

    def one(port, data):
        try:
            took.append(hang(port, data, 40))
        except AssertionError as e:
            failed.append(e)

    threads = [threading.Thread(target=one, args=(port, data))
               for port, list_ in starts.items() for data in list_]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    print(f"# hung up after {min(took, default=0):.1f} to {max(took, default=0):.1f} s")
    assert not failed, failed


def row_22_many_connections_do_not_shut_others_out():
    w, base = bed.client(), bed.host.base
    with contextlib.ExitStack() as stack:
        for port in (base, base - 5, base + 21):
            for i in range(60):
                s = socket.socket()
                stack.callback(s.close)
                s.bind(("127.0.0.9", 0))
                s.connect(("127.0.0.1", port))
        with client.Session(w) as s:
            s.start().frames(1)
    w.cancel()


def row_22_no_descriptors_left_is_no_spin():
    """A connection that cannot be accepted stays in the queue: the loop must not spin
    on it, and it is served once there are descriptors again."""
    w, pid = bed.client(), bed.host.p.pid
    with client.Session(w) as s:
        s.launch()
        with open(f"/proc/{pid}/limits") as f:
            limit = next(line.split()[3] for line in f if line.startswith("Max open files"))

        with open(f"/proc/{pid}/status") as f:
            ids = {line[:3]: int(line.split()[1]) for line in f if line[:4] in ("Uid:", "Gid:")}
        drop = {"user": ids["Uid"], "group": ids["Gid"]} if os.getuid() == 0 else {}

        def allow(count):
            subprocess.run(["prlimit", f"--pid={pid}", f"--nofile={count}:"], check=True, **drop)
        most = max(int(fd) for fd in os.listdir(f"/proc/{pid}/fd"))
        allow(most + 1)
        try:
            waiting = [socket.create_connection(("127.0.0.1", bed.host.base + 21))
                       for _ in range(most + 1 - len(os.listdir(f"/proc/{pid}/fd")) + 2)]
            time.sleep(0.3)

            def ticks():
                with open(f"/proc/{pid}/stat") as f:
                    return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))
            before = ticks()
            time.sleep(1)
            spent = (ticks() - before) / os.sysconf("SC_CLK_TCK")
            print(f"# {spent:.2f} s of processor in 1 s, {len(waiting)} connections")
            assert spent < 0.3, spent
        finally:
            allow(limit)
        for c in waiting:
            c.close()
        s.handshake().open().connect().frames(1)
    w.cancel()


# ---- rows 7, 17, 23, 24 ----

def row_17_mandatory_encryption_is_mandatory():
    """Whoever comes, from the local network too, old clients at the door."""
    with gs_bed.host("--audio-backend", "null", "--gamestream-encryption", "mandatory",
                     "--gamestream-plain-rtsp=yes", clients=2) as h:
        w = h.clients[0]
        refused(403, w.launch, corever=0)
        for encryption in (0, 1, 3, 5, 6, 7):
            s = client.Session(w, encryption=encryption)
            s.launch().set_up()
            asked = next(line for line in s.description.split("\r\n")
                         if line.startswith("a=x-ss-general.encryptionRequested:"))
            assert asked.endswith(":7"), asked
            if encryption != 7:
                refused(403, s.announce)
                w.cancel()
                continue
            s.announce()
            # An IV and a tag before each datagram; video.py opens them.
            with s.open().connect():
                s.frames(2)
                s.until(lambda: len(s.sound.packets) > 5, "sound")
        w.cancel()
        log = h.stderr()
    assert "encrypts no sound" in log and "encrypts no picture" in log, log
    assert "encrypts neither picture nor sound" in log, log



def row_7_a_removed_client_loses_its_session():
    with session() as s:
        s.start().frames(2)
        bed.host.command("unpair", s.web.identity.fingerprint)
        assert s.ended() == control.NORMAL_END
        for path in ("serverinfo", "applist", "resume", "cancel"):
            assert s.web.ask(path).status == 401, path


def resident():
    with open(f"/proc/{bed.host.p.pid}/status") as status:
        return next(int(line.split()[1]) << 10 for line in status if line.startswith("VmRSS"))


def row_15_empty_packets_out_of_order_take_no_memory():
    """They count nothing against ENet's bound of what may wait."""
    with streaming() as s:
        # Sanitizers keep what was freed: pictures alone let such a build grow.
        first = resident()
        s.frames(30)
        before = resident()
        head = struct.pack("!HH", s.enet.peer | s.enet.session << 12 | enet.SENT_TIME, 0)
        sock, channel = s.sockets["control"], 40
        for start in range(1, 65001, 400):
            sock.send(head + b"".join(
                struct.pack("!BBHHH", enet.UNRELIABLE, channel, 2, n, 0)
                for n in range(start, start + 400)))
            if start % 4000 == 1:
                s.frames(1)
        for start in range(2, 28000, 400):
            sock.send(head + b"".join(struct.pack("!BBHH", enet.RELIABLE, channel, n, 0)
                                      for n in range(start, start + 400)))
            if start % 4000 == 2:
                s.frames(1)
        s.frames(3)
        grown = resident() - before
        print(f"# {grown >> 10} KiB")
        assert grown < (8 << 20) + 2 * (before - first), grown
        assert not s.enet.closed


def row_17_encryption_is_what_was_agreed():
    for encryption in (rtsp.CONTROL_V2, rtsp.CONTROL_V2 | rtsp.VIDEO,
                       rtsp.CONTROL_V2 | rtsp.VIDEO | rtsp.SOUND):
        with streaming(encryption=encryption) as s:
            # The receivers check each packet against what was announced.
            s.until(lambda: s.sound.data > 4, "sound")
            assert "encryptionSupported:7" in s.description


def far_away():
    """Runs in a network of its own, where the client has an address of the Internet."""
    address = "198.51.100.7"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        up = struct.pack("16sH14x", b"lo", 0x41)  # IFF_UP, IFF_RUNNING
        fcntl.ioctl(s, 0x8914, up)  # SIOCSIFFLAGS
        where = struct.pack("16sHH4s8x", b"lo:1", socket.AF_INET, 0, socket.inet_aton(address))
        fcntl.ioctl(s, 0x8916, where)  # SIOCSIFADDR
    with gs_bed.host("--audio-backend", "null", "--bind-address", "0.0.0.0") as h:
        for at, bits in ((address, 7), ("127.0.0.1", 1)):
            w = web.Web(h.base, h.clients[0].identity, at)
            with client.Session(w, encryption=bits) as s:
                s.launch().handshake()
                assert f"encryptionRequested:{bits}\r\n" in s.description, s.description
                s.open().connect().frames(1)
            w.cancel()


def row_17_the_internet_gets_encrypted_pictures():
    unshare = shutil.which("unshare")
    if not host_bed.ROOT or not unshare:
        raise host_bed.Skip("making a network namespace needs root and unshare")
    r = subprocess.run([unshare, "--net", sys.executable, __file__, host_bed.HOST, "--far"],
                       capture_output=True, text=True, timeout=3 * host_bed.PATIENCE)
    assert r.returncode == 0, r.stderr


def row_24_a_silent_client_is_let_go():
    """Keys that it held are let go of, too: gamestream.py looks at those."""
    with session() as s:
        s.start().frames(1)
        s.ping_control = False
        start = time.monotonic()
        s.ended()
        print(f"# after {time.monotonic() - start:.1f} s")
        assert time.monotonic() - start > 8
    s.web.cancel()


def row_23_no_key_is_in_the_log():
    """The last one: looks at all that the host said at its most talkative."""
    w = bed.client()
    key = os.urandom(16)
    w.launch(key=key)
    w.cancel()
    marker = bed.host.clients[0].identity.pem.hex()[200:264]
    bed.host.clients[0].ask("pair", False, phrase="clientchallenge", clientcert=marker)
    log = bed.end().lower()
    assert "launches desktop" in log
    for secret in (key.hex(), marker, "rikey"):
        assert secret not in log


if sys.argv[2:] == ["--far"]:
    far_away()
    sys.exit(0)
host_bed.main([
    row_7_a_removed_client_loses_its_session,
    row_8_plain_rtsp_is_refused, row_8_rtsp_with_another_key_is_not_answered,
    row_8_rtsp_out_of_order_is_refused,
    row_9_nothing_is_sent_without_the_ping_payload, row_9_a_replayed_ping_does_not_move_the_stream,
    row_10_only_the_connect_data_opens_a_control_connection,
    row_10_who_saw_the_connect_data_does_not_get_the_session,
    row_11_only_the_new_control_encryption, row_12_a_second_announce_is_refused,
    row_12_a_session_key_is_used_once, row_12_a_second_control_connection_is_refused,
    row_13_a_replayed_control_packet_is_dropped, row_14_another_address_cannot_speak_for_the_client,
    row_15_a_forged_control_packet_is_dropped,
    row_15_empty_packets_out_of_order_take_no_memory, row_17_encryption_is_what_was_agreed, row_17_mandatory_encryption_is_mandatory,
    row_17_the_internet_gets_encrypted_pictures,
    row_18_malformed_messages_are_dropped, row_19_attributes_out_of_range_are_refused,
    row_20_a_client_sees_and_ends_only_its_own, row_21_a_launch_names_an_app_and_nothing_else,
    row_22_slow_connections_are_dropped, row_22_many_connections_do_not_shut_others_out,
    row_22_no_descriptors_left_is_no_spin, row_24_a_silent_client_is_let_go, row_23_no_key_is_in_the_log])
