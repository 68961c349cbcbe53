# SPDX-License-Identifier: MIT OR Apache-2.0
"""Video: packets to frames, with loss made on purpose and every rule checked."""
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gs import field

PICTURE, END, START = 1, 2, 4
HEAD = 32  # RTP, reserved word and packet header
CHECKED_BLOCKS = 60  # whose parity is computed anew; more would cost a small machine too much

_rtp = struct.Struct("!BBHIII")
_packet = struct.Struct("<IIBBBBI")


class Shard:
    def __init__(self, datagram):
        (self.first, self.kind, self.sequence, self.stamp, self.ssrc,
         reserved) = _rtp.unpack_from(datagram)
        (index, self.frame, self.flags, self.extra, multi, blocks,
         info) = _packet.unpack_from(datagram, 16)
        assert self.first == 0x90 and self.kind == 0 and self.ssrc == 0 and reserved == 0
        assert not info & 0xF and not blocks & 0xF, (info, blocks)
        self.index, self.multi, self.bytes = index >> 8, multi, datagram
        self.block, self.last_block = blocks >> 4 & 3, blocks >> 6
        self.percent, self.shard, self.data = info >> 4 & 0xFF, info >> 12 & 0x3FF, info >> 22
        self.parity = (self.data * self.percent + 99) // 100

    def covered(self):
        """What parity is computed over and no field of the packet overwrites."""
        b = self.bytes
        return b[1:2] + b[8:20] + b[24:27] + b[32:]


class Frame:
    def __init__(self, number, payload, stamp, packet_payload):
        self.number, self.stamp = number, stamp
        kind, self.latency_tenths, self.type, last, zero = struct.unpack_from("<BHBHH", payload)
        assert kind == 1 and zero == 0, payload[:8]
        assert self.type in (1, 2, 4, 5), self.type
        assert 1 <= last <= packet_payload
        padding = payload[len(payload) - packet_payload + last:]
        assert not any(padding), "the last packet is padded with zeros"
        self.data = payload[8:len(payload) - len(padding)]
        self.padded = len(padding)
        self.units = list(self.split(self.data))
        assert self.units and self.units[0][0] == 0, "no start code where the picture begins"
        if self.type == 2:
            self.check_key(packet_payload)

    @staticmethod
    def split(data):
        return h264_units(data)

    def check_key(self, packet_payload, sets=(7, 8), slices=(5,), neutral=(6, 9)):
        kinds = [kind for _, kind in self.units if kind not in neutral]
        assert tuple(kinds[:len(sets)]) == sets, f"a key frame without parameter sets: {kinds}"
        assert any(kind in slices for kind in kinds), kinds
        start = next(at for at, kind in self.units if kind in slices)
        assert 8 + start + 5 <= packet_payload, "the first slice begins after the first packet"

    def types(self):
        return [kind for _, kind in self.units]


class HevcFrame(Frame):
    @staticmethod
    def split(data):
        return ((at, data[data.index(1, at) + 1] >> 1 & 0x3F) for at, _ in h264_units(data))

    def check_key(self, packet_payload):
        super().check_key(packet_payload, (32, 33, 34), (19, 20), (35, 39))


class Av1Frame(Frame):
    @staticmethod
    def split(data):
        """(offset, type) of each OBU; all of them tell their size."""
        at = 0
        while at < len(data):
            head, start, size, shift = data[at], at, 0, 0
            assert head & 0x82 == 0x02, "an OBU with its size"
            at += 2 if head & 4 else 1
            while True:
                size |= (data[at] & 0x7F) << shift
                shift, at = shift + 7, at + 1
                if data[at - 1] < 0x80:
                    break
            yield start, head >> 3 & 15
            at += size
        assert at == len(data), "the length of the last packet is exact"

    def check_key(self, packet_payload):
        assert self.types()[:2] == [2, 1], "a delimiter, then the sequence"


def h264_units(data):
    """(offset of the start code, type) of each NAL unit."""
    at = data.find(b"\0\0\1")
    while at >= 0:
        start = at - 1 if at and not data[at - 1] else at
        if at + 3 < len(data):
            yield start, data[at + 3] & 0x1F
        at = data.find(b"\0\0\1", at + 3)


class Receiver:
    """`drop(shard)` says what the network loses. Frames are in `frames`, in order."""

    def __init__(self, key, packet_size, encrypted, minimum_parity, codec=0):
        self.frame = (Frame, HevcFrame, Av1Frame)[codec]
        self.aead = AESGCM(key) if encrypted else None
        self.size, self.minimum = packet_size + 16, minimum_parity
        self.payload = packet_size - 16
        self.drop = lambda shard: False
        self.frames = []
        self.keep = 400
        self.blocks = {}       # of the frame under way
        self.current = None    # its number
        self.done = 0          # newest delivered
        self.sequence = self.index = -1
        self.counters = set()
        self.packets = self.parity_packets = self.dropped = self.recovered = self.lost = 0
        self.frames_total = self.checked = self.late = self.reordered = 0
        self.max_blocks = self.cut = 0

    def open(self, datagram):
        if not self.aead:
            return datagram
        iv, hint = datagram[:12], int.from_bytes(datagram[12:16], "little")
        assert iv[8:] == b"\0\0\0V", iv
        counter = int.from_bytes(iv[:8], "little")
        assert counter not in self.counters, "an IV was used twice"
        self.counters.add(counter)
        text = self.aead.decrypt(iv, datagram[32:] + datagram[16:32], None)
        assert struct.unpack_from("<I", text, 20)[0] == hint
        return text

    def receive(self, datagram):
        text = self.open(datagram)
        shard = Shard(text)
        # Of a frame's last data packet what it holds travels; clients add the zeros.
        if shard.shard == shard.data - 1 and shard.block == shard.last_block:
            self.cut += self.size - len(text)
            shard.bytes = text = text.ljust(self.size, b"\0")
        assert len(text) == self.size, f"{len(text)} bytes instead of {self.size}"
        self.packets += 1
        step = (shard.sequence - self.sequence) & 0xFFFF
        if self.sequence < 0:
            assert shard.sequence == 0 and shard.frame == 1, "the first packet of all"
        elif 1 < step < 0x8000:
            self.late += step - 1  # the kernel lost some: a test machine can be that slow
        elif step != 1:
            self.reordered += 1
        self.sequence = shard.sequence
        self.parity_packets += shard.shard >= shard.data
        self.check(shard)
        if shard.frame != self.current:
            if self.current is not None and self.current > self.done:
                self.lost += 1
            self.current, self.blocks = shard.frame, {}
        block = self.blocks.setdefault(shard.block, {})
        if self.drop(shard):
            self.dropped += 1
            shard.gone = True
        else:
            shard.gone = False
        block[shard.shard] = shard
        self.finish(shard)

    def check(self, s):
        assert s.data + s.parity <= 255 or not s.parity
        assert s.shard < s.data + s.parity
        if s.percent:
            assert s.parity >= min(self.minimum, 255 - s.data), (s.parity, s.data)
        if s.shard >= s.data:
            return  # its flags are parity, too
        assert s.multi == 0x10, hex(s.multi)
        want = PICTURE | (START if s.shard == 0 else 0) | (END if s.shard == s.data - 1 else 0)
        assert s.flags == want, (s.flags, want)
        assert s.extra in (0, 1)

    def finish(self, shard):
        """Delivers the frame if enough of it is there."""
        if shard.frame <= self.done or len(self.blocks) <= shard.last_block:
            return
        data = []
        for number in sorted(self.blocks):
            piece = self.solve(self.blocks[number])
            if piece is None:
                return
            data += piece
        self.done = shard.frame
        self.max_blocks = max(self.max_blocks, len(self.blocks))
        self.frames.append(self.frame(shard.frame, b"".join(data), shard.stamp, self.payload))
        self.frames_total += 1
        del self.frames[:-self.keep]

    def solve(self, block):
        """The payloads of a block's data shards, or None. What was dropped on purpose is
        computed from the rest and compared with what it was."""
        any_shard = next(iter(block.values()))
        d, p = any_shard.data, any_shard.parity
        there = {i: s for i, s in block.items() if not s.gone}
        if len(there) < d:
            return None
        self.check_order([block[i] for i in range(d) if i in block])
        covered = [there[i].covered() if i in there else None for i in range(d)]
        parity = {i - d: s.covered() for i, s in there.items() if i >= d}
        missing = [i for i in range(d) if covered[i] is None]
        if missing:
            found = field.recover(field.cauchy(p, d), covered, parity)
            if found is None:
                return None
            for i, text in found.items():
                if i in block:
                    assert text == block[i].covered(), "recovered, but not what was sent"
                self.recovered += 1
                covered[i] = text
        elif parity and len(parity) == p and self.checked < CHECKED_BLOCKS:
            self.checked += 1
            for j, row in enumerate(field.cauchy(p, d)):
                assert field.combine(row, covered) == parity[j], f"parity {j} of {d}+{p}"
        return [text[16:] for text in covered]

    def check_order(self, shards):
        for a, b in zip(shards, shards[1:]):
            if b.shard == a.shard + 1:
                assert b.index == (a.index + 1) & 0xFFFFFF and b.stamp == a.stamp
