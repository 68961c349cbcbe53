#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""GameStream from pairing to quitting: real sockets, real desks, a client of its own.

usage: gamestream.py PUNKTFUNK-HOST [LOOK PF-PATTERN PF-TONE]. Prints TAP."""
import json
import struct
import subprocess
import sys
import time

import gs_bed  # first: it finds the others
import host_bed
from gs import client, control, field, rtsp, sound, video, web
from host_bed import until

TOOLS = sys.argv[2:5]
NUM_LOCK = 1 << 4  # on for the keypad's digits
ALL = rtsp.CONTROL_V2 | rtsp.VIDEO | rtsp.SOUND
synthetic = gs_bed.Shared("--audio-backend", "null", "--audio-options", "tone-hz=440",
                          "--display-options", "scene=scroll", clients=12)


def session(**announce):
    return client.Session(synthetic.client(), **announce)


def look(frames):
    """What is in the pictures of these frames."""
    text = b"".join(struct.pack("<I", len(f.data)) + f.data for f in frames)
    r = subprocess.run([TOOLS[0]], input=text, capture_output=True, check=True, timeout=60)
    return [json.loads(line) for line in r.stdout.splitlines()]


def whole(s):
    """Nothing is missing that the kernel did not lose."""
    v = s.video
    assert v.lost <= v.late, f"{v.lost} frames lost, {v.late} packets"
    assert not v.reordered
    if v.late:
        print(f"# a busy machine: the kernel lost {v.late} packets")
        return
    numbers = [f.number for f in v.frames]
    assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
    stamps = [f.stamp for f in v.frames]
    assert all(a < b for a, b in zip(stamps, stamps[1:])), f"presentation times {stamps}"


# ---- the test's own client ----

def fixtures_of_the_description():
    salt = bytes(range(16))
    assert web.sha256(salt, b"1234")[:16].hex() == "bad0b4f7cae08eb7c1b5acc763a8ed25"
    assert field.cauchy(2, 5) == [list(bytes.fromhex("8ef447a77a")),
                                  list(bytes.fromhex("f48ea747ba"))]
    assert field.cauchy(1, 5) == [list(bytes.fromhex("018ef447a7"))]
    data = [b"\x01", b"\x80", b"\xff"]
    assert [field.combine(row, data) for row in field.cauchy(2, 3)] == [b"\xf3", b"\x87"]
    for row in field.SOUND:
        assert field.combine(row, [b"\1"] * 4) == b"\1", "each row sums to one"
    for d, p in ((1, 2), (10, 2), (212, 43), (20, 200)):
        shards = [bytes([i, 255 - i, i * 7 & 255]) for i in range(d)]
        rows = field.cauchy(p, d)
        parity = {j: field.combine(rows[j], shards) for j in range(p)}
        lost = range(0, min(d, p, 30))
        holes = [None if i in lost else s for i, s in enumerate(shards)]
        assert field.recover(rows, holes, parity) == {i: shards[i] for i in lost}
        if d > p:
            assert field.recover(rows, [None] * (p + 1) + holes[p + 1:], parity) is None
    key = bytes(range(16))
    r = rtsp.Rtsp("rtspenc://127.0.0.1:1", key)
    sealed = r.seal(b"OPTIONS")
    assert sealed[:8] == bytes.fromhex("8000000700000001") and len(sealed) == 24 + 7
    packet = control.Seal(key).seal(control.IDR, b"\0\0")
    assert packet[:8] == bytes.fromhex("01001a0000000000") and len(packet) == 24 + 6
    assert control.move(-1, 2).hex() == "00000008" "07000000" "ffff0002"
    assert control.scroll(120).hex() == "0000000a" "0a000000" "00780078" "0000"
    assert control.key(True, 0x41, 1).hex() == "0000000a" "03000000" "00" "4180" "01" "0000"
    assert control.place(5, 6, 1280, 720).hex() == "0000000e05000000" "00050006" "0000" "04ff02cf"
    assert control.text("\u20ac").hex() == "00000007" "17000000" "e282ac"
    sizes = {control.touch(1, 1, 0, 0): 36, control.pen(1, 0, 0): 36, control.pad(0, 1): 34,
             control.pad_arrival(0): 16, control.pad_touch(0, 1, 1, 0, 0): 28,
             control.pad_motion(0, 1, 0, 0, 0): 24, control.pad_battery(0, 1, 50): 12}
    for event, size in sizes.items():
        assert len(event) == size and int.from_bytes(event[:4], "big") == size - 4
    picture = struct.pack("<BHBHH", 1, 62, 1, 13, 0) + b"\0\0\0\1\x61" + bytes(7)
    f = video.Frame(1, picture, 0, 20)
    assert f.latency_tenths == 62 and f.data == b"\0\0\0\1\x61" and f.padded == 7


# ---- media of a synthetic desk ----

def every_frame_survives_what_parity_covers():
    """As many packets of each block are lost as it has parity, data packets first."""
    for encryption in (rtsp.CONTROL_V2, ALL):
        with session(encryption=encryption) as s:
            s.launch().handshake().open()
            s.video.drop = lambda shard: shard.shard < shard.parity
            s.connect().frames(60)
            v = s.video
            print(f"# {v.frames_total} frames, {v.recovered} packets computed anew")
            assert v.recovered >= 60
            whole(s)
        s.web.cancel()


def parity_is_exact_in_blocks_of_every_size():
    """Small packets and few large frames: one to four blocks."""
    most = 0
    for kbps in (1000, 20000, 60000, 150000):
        with session(kbps=kbps, packet=512, fps=5) as s:
            s.launch().handshake().open()
            # A frame too large for four blocks has no parity at all.
            s.video.drop = lambda shard: shard.parity and shard.shard == shard.frame % shard.data
            s.connect().frames(8)
            v = s.video
            most = max(most, v.max_blocks)
            sizes = [len(f.data) for f in v.frames]
            print(f"# {kbps} kbit/s: {max(sizes)} bytes, {v.max_blocks} blocks, "
                  f"{v.recovered} recovered")
            assert v.recovered >= 8 - v.late
            assert v.lost <= v.late
        s.web.cancel()
    assert most == 4


def a_lost_frame_brings_a_key_frame():
    with session() as s:
        s.start().frames(5)
        assert s.video.frames[0].type == 2 and s.video.frames[0].number == 1
        # The description does not offer to invalidate references.
        assert "refPicInvalidation" not in s.description
        lost = s.video.frames[-1].number + 2
        s.video.drop = lambda shard: shard.frame == lost
        s.until(lambda: s.video.done > lost, "the loss")
        at = s.video.frames_total
        s.send(control.IDR, bytes(2), control.URGENT)
        s.until(lambda: any(f.type == 2 and f.number > lost for f in s.video.frames),
                "a key frame")
        print(f"# after {s.video.frames_total - at} frames")
        assert s.video.lost == 1 or s.video.late
        idrs = sum(f.type == 2 for f in s.video.frames)
        # Asking for the same loss twice at once makes one.
        for _ in range(3):
            s.send(control.IDR, bytes(2), control.URGENT)
        s.frames(20)
        assert sum(f.type == 2 for f in s.video.frames) <= idrs + 2
    s.web.cancel()


def sound_in_every_layout():
    layouts = [(2, 0, 5, rtsp.CONTROL_V2), (2, 0, 10, ALL), (6, 0, 5, ALL),
               (6, 1, 10, rtsp.CONTROL_V2), (8, 0, 5, rtsp.CONTROL_V2), (8, 1, 5, ALL)]
    w = synthetic.client()
    for channels, high, duration, encryption in layouts:
        with client.Session(w, channels=channels, high=high, duration=duration,
                            encryption=encryption) as s:
            s.launch().set_up()
            for digits in ("642012453", "660012345", "85301245673", "88001234567"):
                assert f"surround-params={digits}\r\n" in s.description, s.description
            s.announce()
            s.open()
            # Any two of each block of six.
            s.sound.drop = lambda n, k: k in (1, 3) if n is not None and n & 4 else False
            s.connect()
            s.until(lambda: s.sound.data >= 60, "sound")
            a = s.sound
            assert a.parity >= a.data // 4 * 2 - 4 - a.skipped, (a.data, a.parity)
            assert a.recovered >= 10 - a.skipped and a.checked >= 10 - a.skipped
            rate = a.size * 8 / duration
            print(f"# {channels} channels, quality {high}, {duration} ms: {a.size} bytes, "
                  f"{rate:.0f} kbit/s")
            # One Opus packet fills a datagram; its first byte names the configuration.
            assert {p[0] >> 3 for p in a.packets} <= {16 + i for i in range(16)}, "CELT only"
        w.cancel()


def two_clients_at_once():
    with session() as a, session(width=640, height=480, encryption=ALL) as b:
        a.start()
        b.start()
        a.frames(20)
        b.frames(20)
        whole(a)
        whole(b)
        assert {a.web.info()["currentgame"], b.web.info()["currentgame"]} == {"1"}
        a.web.cancel()
        assert a.ended() == control.NORMAL_END
        b.frames(10)
    b.web.cancel()


def quitting_ends_the_stream_with_a_word():
    with session() as s:
        s.start().frames(3)
        assert s.web.info()["state"].endswith("_SERVER_BUSY")
        s.web.cancel()
        assert s.ended() == control.NORMAL_END
        assert s.web.info()["currentgame"] == "0"
    try:
        s.web.launch(resume=True)
    except web.Refused as e:
        assert e.status == 503
    else:
        raise AssertionError("resumed what was quit")


def a_host_that_stops_says_goodbye():
    with session() as s:
        s.start().frames(3)
        log = synthetic.end()
        assert s.ended() == control.NORMAL_END
    assert "the host is shutting down" in log


# ---- a real desk ----

def pictures(s, count, size):
    """Waits for moving pictures of the program inside, and looks at them."""
    def moving():
        s.frames(count)
        found = look([f for f in s.video.frames if f.number >= first])
        return [p["strip"] for p in found if p.get("strip", -1) >= 0], found
    first = s.video.frames[0].number if s.video.frames else 1
    end = time.monotonic() + host_bed.PATIENCE
    strips, found = moving()
    while len(strips) < count // 2 and time.monotonic() < end:
        strips, found = moving()
    assert found[0]["decoded"] and (found[0]["width"], found[0]["height"]) == size, found[0]
    assert len(strips) >= count // 2, f"{len(strips)} pictures of the program inside"
    if not s.video.late:
        assert all(p["decoded"] for p in found), "every frame is a picture"
    # A still moment is sent again; an older picture never comes back.
    assert strips == sorted(strips), f"pictures out of order: {strips}"
    assert len(set(strips)) >= count // 4, f"the picture stands still: {strips}"


def all_kinds_of_input(s, d):
    """Sends it; the client inside must see each."""
    s.input(control.place(10, 10, 1280, 720), control.MOUSE)
    s.delivered()
    until(lambda: d.seen()["keyboard_focus"] and d.seen()["pointer_x"] == 10, "the focus")
    before = d.seen()
    for i in range(20):
        s.input(control.place(100 + i, 200, 1280, 720), control.MOUSE)
        s.input(control.move(3, 1), control.MOUSE)
    for number in (1, 2, 3, 4, 5):
        s.input(control.button(True, number), control.MOUSE)
        s.input(control.button(False, number), control.MOUSE)
    for _ in range(5):
        s.input(control.scroll(120), control.MOUSE)
        s.input(control.hscroll(-120), control.MOUSE)
    for vk in b"HELLO":
        s.input(control.key(True, vk), control.KEYBOARD)
        s.input(control.key(False, vk), control.KEYBOARD)
    # Modifiers that no key announced are held for this key alone.
    s.input(control.key(True, 0x57, modifiers=1), control.KEYBOARD)
    s.input(control.key(False, 0x57, modifiers=1), control.KEYBOARD)
    s.delivered()
    until(lambda: "helloW" in d.seen()["text"], "the keys")
    for character in "\u00e9\u20ac\u4e2d":
        s.input(control.text(character), control.TEXT)
    s.delivered()
    until(lambda: "helloW\u00e9\u20ac\u4e2d" in d.seen()["text"], "the text")
    until(lambda: d.seen()["scrolls"] - before["scrolls"] >= 10, "the scrolling")
    seen = d.seen()
    gain = {k: seen[k] - before[k] for k in (
        "motions", "buttons_pressed", "buttons_released", "steps_x", "steps_y")}
    assert gain["motions"] == 40, gain
    assert gain["buttons_pressed"] == gain["buttons_released"] == 5, gain
    assert gain["steps_y"] == -5 and gain["steps_x"] == -5, gain
    assert (seen["pointer_x"], seen["pointer_y"]) == (122, 201), seen
    assert seen["keys_pressed"] == seen["keys_released"], seen


def from_pairing_to_quitting():
    with gs_bed.Desk(TOOLS) as d:
        command = gs_bed.desk_command(
            d, "pf-tone --hz 440 --gain 0.2 & exec pf-pattern --report seen.json")
        with gs_bed.Host(d, "--session-command", command, display="wlroots", clients=0) as h:
            w = web.Web(h.base, gs_bed.identities(1)[0])
            assert w.ask("applist").status == 401

            def typed(pin):
                until(lambda: "REQUEST" in h.command("pair"), "the request")
                return d.run("pair", pin)
            try:
                w.pair("1234", lambda: typed("4321"))
                raise AssertionError("paired with a wrong PIN")
            except web.Refused:
                pass
            assert w.ask("applist").status == 401
            w.pair("7531", lambda: typed("7531"))
            assert w.info()["PairStatus"] == "1" and w.apps()["Desktop"] == 1

            with client.Session(w, encryption=ALL) as s:
                s.start()
                pictures(s, 20, (1280, 720))
                s.until(lambda: s.sound.data > 40, "sound")
                t = {k: round(1000 * (v - s.times["launch"])) for k, v in s.times.items()}
                print(f"# milliseconds after the launch: {t}")
                all_kinds_of_input(s, d)
                whole(s)
                s.input(control.key(True, 0x41), control.KEYBOARD)
                s.input(control.button(True, 1), control.MOUSE)
                s.delivered()
                pressed = d.seen()
                until(lambda: d.seen()["keys_pressed"] > d.seen()["keys_released"], "a held key")
                drawn = pressed["frames_drawn"]
            row_24_held_keys_are_released(d)

            assert w.info()["currentgame"] == "1"
            with client.Session(w, width=1024, height=768) as s:
                s.start(resume=True)
                pictures(s, 10, (1024, 768))
                seen = d.seen()
                assert seen["frames_drawn"] > drawn and "hello" in seen["text"], "the same program"
                assert (seen["mode_width"], seen["mode_height"]) == (1024, 768), seen
                w.cancel()
                assert s.ended() == control.NORMAL_END
            assert w.info()["currentgame"] == "0"
            until(lambda: not gs_bed.programs(d), "the end of the programs")
            h.end()


def row_24_held_keys_are_released(d):
    until(lambda: d.seen()["keys_pressed"] == d.seen()["keys_released"], "the release of a key")
    until(lambda: d.seen()["buttons_pressed"] == d.seen()["buttons_released"],
          "the release of a button")
    assert not d.seen()["mods"] & ~NUM_LOCK, d.seen()


host_bed.main([fixtures_of_the_description, from_pairing_to_quitting,
               every_frame_survives_what_parity_covers, parity_is_exact_in_blocks_of_every_size,
               a_lost_frame_brings_a_key_frame, sound_in_every_layout, two_clients_at_once,
               quitting_ends_the_stream_with_a_word, a_host_that_stops_says_goodbye])
