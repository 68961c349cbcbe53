# SPDX-License-Identifier: MIT OR Apache-2.0
"""A session: launch, RTSP, control connection and media, received on a thread."""
import select
import socket
import struct
import threading
import time

from gs import control, enet, rtsp, sound, video

MEDIA_PING_S = 0.5
CONTROL_PING_S = 0.1
TURN_S = 0.02
BUFFER = 4 << 20
PATIENCE = 60


def ping(payload, counter):
    return payload + struct.pack("!I", counter)


class Session:
    """Steps that a test may also take one by one: launch, handshake, open, connect."""

    def __init__(self, web, **announce):
        self.web = web
        self.attributes = rtsp.attributes(**announce)
        self.encryption = self.attributes["x-ss-general.encryptionEnabled"]
        self.messages = []  # (type, payload) from the host
        self.error = None
        self.stopping = False
        self.thread = None
        self.lock = threading.Lock()
        self.enet = None
        self.times = {}
        self.deaf_until = 0  # control datagrams before that are lost

    # ---- steps ----

    def launch(self, **query):
        a = self.attributes
        mode = "x".join(str(a[k]) for k in (
            "x-nv-video[0].clientViewportWd", "x-nv-video[0].clientViewportHt",
            "x-nv-video[0].maxFPS"))
        channels, mask = (a["x-nv-audio.surround." + k] for k in ("numChannels", "channelMask"))
        query = {"mode": mode, "surroundAudioInfo": mask << 16 | channels, **query}
        self.times["launch"] = time.monotonic()
        url, self.key, self.key_id = self.web.launch(**query)
        self.rtsp = rtsp.Rtsp(url, self.key)
        self.seal = control.Seal(self.key)
        return self

    def set_up(self):
        self.description = self.rtsp.describe()
        self.ports, self.pings, self.connect_data = self.rtsp.streams()

    def announce(self):
        self.rtsp.announce(self.attributes)
        self.rtsp.play()

    def handshake(self):
        self.set_up()
        self.announce()
        return self

    def open(self):
        """Sockets for control, video and sound, connected to the host's ports."""
        self.sockets = {}
        for name, port in self.ports.items():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            s.connect((self.web.address, port))
            s.setblocking(False)
            self.sockets[name] = s
        a = self.attributes
        self.video = video.Receiver(
            self.key, a["x-nv-video[0].packetSize"], bool(self.encryption & rtsp.VIDEO),
            a["x-nv-vqos[0].fec.minRequiredFecPackets"], a["x-nv-vqos[0].bitStreamFormat"])
        self.sound = sound.Receiver(self.key, self.key_id, bool(self.encryption & rtsp.SOUND),
                                    a["x-nv-aqos.packetDuration"])
        self.counters = {"video": 0, "audio": 0}
        self.ping_media = True
        self.ping_control = True
        return self

    def connect(self):
        """The control connection with the two first messages, and the thread that serves
        everything."""
        self.enet = enet.Enet(self._send_control, self.connect_data)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()
        self.until(lambda: self.enet.connected, "the control connection")
        self.send(control.IDR, bytes(2), control.URGENT)
        self.send(control.START, bytes(1))
        self.input(control.haptics(), control.GENERIC)
        self.input(control.move(1, 1), control.MOUSE)
        self.input(control.move(-1, -1), control.MOUSE)
        return self

    def start(self, **query):
        return self.launch(**query).handshake().open().connect()

    # ---- while it runs ----

    def send(self, kind, payload=b"", channel=control.GENERIC, reliable=True, number=None):
        with self.lock:
            self.enet.send(channel, self.seal.seal(kind, payload, number), reliable)

    def send_raw(self, packet, channel=control.GENERIC):
        with self.lock:
            self.enet.send(channel, packet)

    def input(self, event, channel, reliable=True):
        self.send(control.INPUT, event, channel, reliable)

    def until(self, condition, what, seconds=PATIENCE):
        end = time.monotonic() + seconds
        while not condition():
            if self.error:
                raise self.error
            assert time.monotonic() < end, f"waited in vain: {what}"
            time.sleep(0.01)

    def frames(self, count):
        """Waits for so many more frames."""
        start = self.video.frames_total
        self.until(lambda: self.video.frames_total >= start + count, f"{count} frames")

    def delivered(self):
        """Waits until the host acknowledged all that was sent so far."""
        self.until(lambda: not [k for k in self.enet.waiting if k[0] != 0xFF],
                   "acknowledgements")

    def ended(self):
        """Waits for the host's end of the session; the code it gave, or None."""
        def codes():
            return [p for kind, p in self.messages if kind == control.TERMINATION]
        # Stock clients close as soon as they hear it.
        self.until(lambda: self.enet.closed or codes(), "the end of the session")
        return int.from_bytes(codes()[-1], "big") if codes() else None

    def move(self):
        """Other local ports, as behind a router that forgot the old ones; the old sockets."""
        old, fresh = self.sockets, {}
        for name, was in old.items():
            s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
            s.connect(was.getpeername())
            s.setblocking(False)
            fresh[name] = s
        self.sockets = fresh
        return old

    def close(self):
        """Leaves as stock clients do."""
        if self.thread and not self.enet.closed:
            with self.lock:
                self.enet.disconnect()
            end = time.monotonic() + 2
            while self.enet.waiting and not self.error and time.monotonic() < end:
                time.sleep(0.01)
        self.vanish()

    def vanish(self):
        """Leaves without a word."""
        self.stopping = True
        if self.thread:
            self.thread.join()
        for s in getattr(self, "sockets", {}).values():
            s.close()
        self.sockets = {}
        if self.error:
            raise self.error

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        if kind:
            self.error = None  # the test's own failure says more
        self.close()

    # ---- the thread ----

    def _run(self):
        try:
            next_control = 0
            next_media = {"audio": 0, "video": 0}
            while not self.stopping:
                now = time.monotonic()
                for name in next_media:
                    # Stock clients ping for video only once the control stream stands.
                    if now >= next_media[name] and self.ping_media and \
                            (name == "audio" or self.enet.connected):
                        next_media[name] = now + MEDIA_PING_S
                        self.counters[name] += 1
                        self._send_ping(name)
                if now >= next_control and self.enet.connected:
                    next_control = now + CONTROL_PING_S
                    if self.ping_control and not self.enet.closed:
                        self.send(control.PING, b"\4" + bytes(7))
                self._turn()
        except Exception as e:  # told by until() and close()
            self.error = e

    def _send_control(self, datagram):
        try:
            self.sockets["control"].send(datagram)
        except ConnectionRefusedError:
            pass  # an ICMP answer to an earlier one

    def _send_ping(self, name):
        try:
            self.sockets[name].send(ping(self.pings[name], self.counters[name]))
        except ConnectionRefusedError:
            pass  # an ICMP answer to an earlier one

    def _turn(self):
        ready, _, _ = select.select(list(self.sockets.values()), [], [], TURN_S)
        for name, s in self.sockets.items():
            if s in ready:
                self._drain(name, s)
        with self.lock:
            self.enet.service()

    def _drain(self, name, s):
        for _ in range(256):
            try:
                datagram = s.recv(2048)
            except BlockingIOError:
                return
            except ConnectionRefusedError:
                continue
            self.times.setdefault(name, time.monotonic())
            if name == "video":
                before = self.video.frames_total
                self.video.receive(datagram)
                if not before and self.video.frames_total:
                    self.times["first frame"] = time.monotonic()
            elif name == "audio":
                self.sound.receive(datagram)
            elif time.monotonic() >= self.deaf_until:
                self._control(datagram)

    def _control(self, datagram):
        with self.lock:
            self.enet.receive(datagram)
            packets, self.enet.inbox = self.enet.inbox, []
        for channel, packet in packets:
            assert channel == 0, f"a message on channel {channel}"
            self.messages.append(self.seal.open(packet))
