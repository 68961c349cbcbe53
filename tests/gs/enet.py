# SPDX-License-Identifier: MIT OR Apache-2.0
"""A small ENet client: one peer, reliable and unreliable packets, no fragments."""
import os
import struct
import time

ACK, CONNECT, VERIFY, DISCONNECT, PING, RELIABLE, UNRELIABLE = 1, 2, 3, 4, 5, 6, 7
FRAGMENT, UNSEQUENCED, BANDWIDTH, THROTTLE, UNRELIABLE_FRAGMENT = 8, 9, 10, 11, 12
WANT_ACK = 0x80
SENT_TIME = 0x8000
NOBODY = 0xFFF
CHANNELS = 48
RESEND_S = 0.25
PING_S = 0.5

_connect = struct.Struct("!HBBIIIIIIIIII")
_verify = struct.Struct("!HBBIIIIIIIII")


class Enet:
    """Sans-I/O but for `send(datagram)`. Not thread-safe."""

    def __init__(self, send, data=0):
        self.send_datagram = send
        self.peer, self.session = NOBODY, 0
        self.number = 0              # of connection-wide commands
        self.reliable = [0] * CHANNELS  # newest sequence per channel
        self.unreliable = [0] * CHANNELS
        self.group = 0
        self.waiting = {}            # (channel, sequence) -> [next time, command]
        self.heard = {}              # channel -> newest reliable sequence delivered
        self.early = {}              # (channel, sequence) -> payload out of order
        self.inbox = []              # (channel, payload)
        self.connected = self.closed = False
        self.acks = 0
        self.next_ping = time.monotonic() + PING_S
        self.connect_id = int.from_bytes(os.urandom(4), "big")
        body = _connect.pack(0, 0xFF, 0xFF, 900, 65536, CHANNELS, 0, 0, 5000, 2, 2,
                             self.connect_id, data)
        self._wide(CONNECT, body)

    # ---- out ----

    def _now(self):
        return int(time.monotonic() * 1000) & 0xFFFF

    def _out(self, *commands):
        head = self.peer | self.session << 12 | SENT_TIME
        self.send_datagram(struct.pack("!HH", head, self._now()) + b"".join(commands))

    def _wide(self, kind, body=b""):
        """A reliable command of the connection itself."""
        self.number = (self.number + 1) & 0xFFFF
        command = struct.pack("!BBH", kind | WANT_ACK, 0xFF, self.number) + body
        self.waiting[0xFF, self.number] = [time.monotonic() + RESEND_S, command]
        self._out(command)

    def send(self, channel, payload, reliable=True):
        if reliable:
            self.reliable[channel] = n = (self.reliable[channel] + 1) & 0xFFFF
            self.unreliable[channel] = 0
            command = struct.pack("!BBHH", RELIABLE | WANT_ACK, channel, n, len(payload)) + payload
            self.waiting[channel, n] = [time.monotonic() + RESEND_S, command]
        else:
            self.unreliable[channel] = n = (self.unreliable[channel] + 1) & 0xFFFF
            command = struct.pack("!BBHHH", UNRELIABLE, channel, self.reliable[channel], n,
                                  len(payload)) + payload
        self._out(command)

    def disconnect(self):
        self._wide(DISCONNECT, bytes(4))

    def service(self):
        """Sends again what nobody acknowledged, and a ping now and then."""
        now = time.monotonic()
        for entry in list(self.waiting.values()):
            if entry[0] <= now:
                entry[0] = now + RESEND_S
                self._out(entry[1])
        if self.connected and not self.closed and now >= self.next_ping:
            self.next_ping = now + PING_S
            self._wide(PING)

    # ---- in ----

    def receive(self, datagram):
        head, = struct.unpack_from("!H", datagram)
        assert not head & 0x4000, "a compressed datagram"
        at, stamp = 2, 0
        if head & SENT_TIME:
            stamp, = struct.unpack_from("!H", datagram, 2)
            at = 4
        acks = []
        while at < len(datagram):
            kind, channel, n = struct.unpack_from("!BBH", datagram, at)
            body = at + 4
            if kind & WANT_ACK:
                acks.append(struct.pack("!BBHHH", ACK, channel, n, n, stamp))
            at = body + self._take(kind & 0x0F, channel, n, datagram, body)
        if acks and self.peer != NOBODY:
            self._out(*acks)

    def _take(self, kind, channel, n, d, at):
        """One command; how long its body is."""
        if kind == ACK:
            number, _ = struct.unpack_from("!HH", d, at)
            if self.waiting.pop((channel, number), None):
                self.acks += 1
            return 4
        if kind == VERIFY:
            values = _verify.unpack_from(d, at)
            assert values[-1] == self.connect_id, "another connect id"
            assert values[5] == CHANNELS, f"the host grants {values[5]} channels"
            if not self.connected:
                self.peer, self.session, self.connected = values[0], values[2], True
                # It stands for the acknowledgement of our CONNECT, too.
                self.waiting.pop((0xFF, 1), None)
            return _verify.size
        if kind == DISCONNECT:
            self.closed = True
            return 4
        if kind == RELIABLE:
            length, = struct.unpack_from("!H", d, at)
            self._deliver(channel, n, d[at + 2:at + 2 + length])
            return 2 + length
        if kind in (UNRELIABLE, UNSEQUENCED):
            _, length = struct.unpack_from("!HH", d, at)
            self.inbox.append((channel, d[at + 4:at + 4 + length]))
            return 4 + length
        sizes = {PING: 0, BANDWIDTH: 8, THROTTLE: 12}
        assert kind in sizes, f"ENet command {kind}"
        return sizes[kind]

    def _deliver(self, channel, n, payload):
        newest = self.heard.get(channel, 0)
        if not 0 < (n - newest) & 0xFFFF < 0x8000:
            return  # seen before
        self.early[channel, n] = payload
        while (channel, (newest + 1) & 0xFFFF) in self.early:
            newest = (newest + 1) & 0xFFFF
            self.inbox.append((channel, self.early.pop((channel, newest))))
        self.heard[channel] = newest
