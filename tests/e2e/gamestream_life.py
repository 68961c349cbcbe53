#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""What breaks in the life of a Moonlight session: it recovers or ends with a word that the
client shows, and leaves nothing behind.

usage: gamestream_life.py PUNKTFUNK-HOST. Prints TAP."""
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import time

import gs_bed  # first: it finds the others
import host_bed
from gs import client, control, enet, rtsp, web
from host_bed import Skip, until

NO_PICTURE = 0x800E9403  # Moonlight says that the host's video failed
QUIET_S = 0.7
bed = gs_bed.Shared("--audio-backend", "null", "--desk-keep-alive-s", "1", clients=12)


def session(**announce):
    return client.Session(bed.client(), **announce)


def status():
    return json.loads(bed.host.command("status", "--json"))


def live(w):
    return [s for s in status()["sessions"]
            if s["client"] == w.identity.fingerprint and s["live"]]


def log_has(text):
    return text in bed.host.stderr()


# ---- the client ----

def a_client_that_vanishes_frees_its_stream_then_its_desk():
    s = session()
    s.start().frames(2)
    w, start = s.web, time.monotonic()
    s.vanish()
    assert live(w)
    until(lambda: not live(w), "the end of the session")
    print(f"# its stream after {time.monotonic() - start:.1f} s")
    assert 4 < time.monotonic() - start < 30
    until(lambda: w.info()["currentgame"] == "0", "the end of the desk")
    print(f"# its desk after {time.monotonic() - start:.1f} s")
    try:
        w.launch(resume=True)
    except web.Refused as e:
        assert e.status == 503
    else:
        raise AssertionError("resumed a desk that is gone")


def a_client_that_moves_goes_on():
    with session() as s:
        s.start().frames(2)
        before = status()["gamestream"]["moves"]
        old = s.move()
        s.input(control.move(5, 5), control.MOUSE)
        s.delivered()
        assert status()["gamestream"]["moves"] == before + 1
        sound = s.sound.data
        s.frames(10)
        s.until(lambda: s.sound.data > sound + 10, "sound at the new address")
        s.input(control.key(True, 0x41), control.KEYBOARD)
        s.input(control.key(False, 0x41), control.KEYBOARD)
        s.delivered()
        for sock in old.values():
            sock.close()
        s.web.cancel()
        assert s.ended() == control.NORMAL_END


def row_14_a_packet_heard_on_the_way_moves_nothing():
    with session() as s:
        s.start().frames(1)
        before = status()["gamestream"]["moves"]
        sent = s.seal.seal(control.PING, b"\4" + bytes(7))
        s.send_raw(sent)
        s.delivered()
        thief = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        thief.connect((s.web.address, s.ports["control"]))
        thief.settimeout(QUIET_S)
        for packet in (sent, sent[:-1] + bytes([sent[-1] ^ 1]), os.urandom(60)):
            thief.send(struct.pack("!HHBBHH", s.enet.peer | s.enet.session << 12 | enet.SENT_TIME,
                                   0, enet.RELIABLE | enet.WANT_ACK, 0,
                                   s.enet.reliable[0] + 1 & 0xFFFF, len(packet)) + packet)
        try:
            raise AssertionError(f"the thief hears {len(thief.recv(2048))} bytes")
        except (TimeoutError, ConnectionRefusedError):
            pass
        assert status()["gamestream"]["moves"] == before
        thief.close()
        s.input(control.move(1, 1), control.MOUSE)
        s.delivered()
        s.frames(3)
        assert not s.enet.closed
    s.web.cancel()


def access_that_runs_out_ends_the_session():
    with session() as s:
        s.start().frames(2)
        soon = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4 * gs_bed.slow()))
        bed.host.command("clients", "set", s.web.identity.fingerprint, "--expires", soon)
        s.frames(2)
        assert s.ended() == control.NORMAL_END
    until(lambda: log_has("its access has run out"), "the line of the log")
    assert s.web.ask("applist").status == 401


def what_is_no_use_is_counted():
    with session() as s:
        s.launch().handshake().open()
        before = status()["gamestream"]
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for name in ("video", "audio"):
            sock.sendto(client.ping(b"0" * 16, 1), (s.web.address, s.ports[name]))
        enet.Enet(lambda d: sock.sendto(d, (s.web.address, s.ports["control"])), 12345)
        stranger = rtsp.Rtsp(s.rtsp.url, os.urandom(16))
        assert stranger.exchange(stranger.seal(stranger.text("OPTIONS", s.rtsp.url))) == b""
        s.connect().frames(1)
        s.send_raw(bytes(2000))
        s.delivered()
        until(lambda: all(status()["gamestream"][k] > before[k] for k in before if k != "moves"),
              f"the counters {before}")
        text = bed.host.command("status")
        assert "media pings of no session" in text and "RTSP requests" in text, text
        assert status()["gamestream"]["bad_pings"] == before["bad_pings"] + 2
        sock.close()
    s.web.cancel()


# ---- the host ----

def a_port_in_use_is_named():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken, host_bed.Place() as p:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with host_bed.Server(p, "--gamestream", "--gamestream-port", str(port - 9),
                             "--display-backend", "pattern") as s:
            assert s.p.wait(timeout=host_bed.PATIENCE) == 4, s.stderr()
            said = s.stderr()
            assert str(port) in said and "in use" in said, said
            assert "gamestream_port" in said, said


def a_goodbye_that_was_lost_is_said_again():
    with gs_bed.host("--audio-backend", "null") as h:
        with client.Session(h.clients[0]) as s:
            s.start().frames(2)
            s.deaf_until = time.monotonic() + 0.2
            start = time.monotonic()
            h.p.send_signal(signal.SIGTERM)
            assert s.ended() == control.NORMAL_END
            print(f"# heard after {1000 * (time.monotonic() - start):.0f} ms")


def a_client_that_is_gone_does_not_hold_up_the_end():
    with gs_bed.host("--audio-backend", "null") as h:
        s = client.Session(h.clients[0])
        s.start().frames(1)
        s.vanish()
        start = time.monotonic()
        h.end()
        print(f"# ended after {1000 * (time.monotonic() - start):.0f} ms")
        assert time.monotonic() - start < 8


def a_picture_that_fails_ends_with_a_word():
    with gs_bed.host("--audio-backend", "null", "--display-options", "fail-at=30") as h:
        for _ in range(2):
            with client.Session(h.clients[0]) as s:
                s.start().frames(2)
                assert s.ended() == NO_PICTURE


def processes(place, name):
    mark, found = f"PF_E2E_MARK={place.dir.name}".encode(), []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if mark in (entry / "environ").read_bytes().split(b"\0") and \
                    (entry / "comm").read_text().strip() == name:
                found.append(int(entry.name))
        except OSError:
            pass
    return found


def a_compositor_that_dies_is_told_and_replaced():
    if not shutil.which("sway"):
        raise Skip("sway is not installed")
    with host_bed.Place() as p:
        gs_bed.desk_tools(p)
        with gs_bed.Host(p, "--audio=no", "--session-command", "", display="wlroots") as h:
            w = h.clients[0]
            with client.Session(w) as s:
                s.start().frames(1)
                for pid in processes(p, "sway"):
                    os.kill(pid, signal.SIGKILL)
                start = time.monotonic()
                assert s.ended() == NO_PICTURE
                print(f"# told after {1000 * (time.monotonic() - start):.0f} ms")
            with client.Session(w) as s:
                s.start().frames(1)
                assert len(processes(p, "sway")) == 1
                w.cancel()
                assert s.ended() == control.NORMAL_END
            until(lambda: not processes(p, "sway"), "the end of the desk")
            h.end()


def the_host_of_all_these_ends_in_order():
    bed.end()


host_bed.main([a_client_that_vanishes_frees_its_stream_then_its_desk, a_client_that_moves_goes_on,
               row_14_a_packet_heard_on_the_way_moves_nothing,
               access_that_runs_out_ends_the_session, what_is_no_use_is_counted,
               a_port_in_use_is_named, a_goodbye_that_was_lost_is_said_again,
               a_client_that_is_gone_does_not_hold_up_the_end,
               a_picture_that_fails_ends_with_a_word,
               a_compositor_that_dies_is_told_and_replaced,
               the_host_of_all_these_ends_in_order])
