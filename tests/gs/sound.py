# SPDX-License-Identifier: MIT OR Apache-2.0
"""Sound: Opus packets in blocks of four with two parity packets."""
import struct

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7

from gs import field


class Receiver:
    """`drop(sequence or None, shard)` says what the network loses: a data packet's
    sequence and its place 0..3, or None and 0..1 of a parity packet."""

    def __init__(self, key, key_id, encrypted, duration_ms):
        self.key, self.key_id, self.encrypted = key, key_id, encrypted
        self.duration = duration_ms
        self.drop = lambda sequence, shard: False
        self.next = 0
        self.blocks = {}  # base -> [payload or None] * 4
        self.waiting = {} # base -> parity of a block that is not whole
        self.gone = {}    # sequence -> what was dropped
        self.packets = []
        self.keep = 2000
        self.size = None
        self.data = self.parity = self.recovered = self.checked = self.skipped = 0

    def receive(self, datagram):
        first, kind, sequence, stamp, ssrc = struct.unpack_from("!BBHII", datagram)
        assert first == 0x80 and ssrc == 0, datagram[:12]
        if kind == 97:
            self.take_data(sequence, stamp, datagram[12:])
        else:
            assert kind == 127, kind
            self.take_parity(stamp, datagram)

    def take_data(self, sequence, stamp, payload):
        self.data += 1
        self.skipped += (sequence - self.next) & 0xFFFF
        self.next = (sequence + 1) & 0xFFFF
        assert stamp == sequence * self.duration, (sequence, stamp)
        if self.size is None:
            self.size = len(payload)
        # One size for all, or clients switch their error correction off for good.
        assert len(payload) == self.size, (len(payload), self.size)
        base = sequence & ~3
        block = self.blocks.setdefault(base, [None] * 4)
        for old in [b for b in self.blocks if b < base - 8]:
            del self.blocks[old]
        if self.drop(sequence, sequence & 3):
            self.gone[sequence] = payload
            return
        block[sequence & 3] = payload
        self.packets.append(self.open(sequence, payload))
        del self.packets[:-self.keep]

    def take_parity(self, stamp, datagram):
        self.parity += 1
        shard, kind, base, base_stamp, ssrc = struct.unpack_from("!BBHII", datagram, 12)
        assert kind == 97 and shard < 2 and base % 4 == 0 and ssrc == 0 and stamp == 0
        assert base_stamp == base * self.duration
        block = self.blocks.get(base)
        if block is None or self.drop(None, shard):
            return
        payload = datagram[24:]
        if None not in block:
            self.checked += 1
            assert field.combine(field.SOUND[shard], block) == payload, "parity of sound"
            return
        waiting = self.waiting.setdefault(base, {})
        waiting[shard] = payload
        found = field.recover(field.SOUND, block, waiting)
        for i, text in (found or {}).items():
            sequence = base + i
            if sequence in self.gone:
                assert text == self.gone.pop(sequence), "recovered, but not what was sent"
            block[i] = text
            self.recovered += 1
            self.packets.append(self.open(sequence, text))

    def open(self, sequence, payload):
        """The Opus packet."""
        if not self.encrypted:
            return payload
        iv = ((self.key_id + sequence) & 0xFFFFFFFF).to_bytes(4, "big") + bytes(12)
        work = Cipher(algorithms.AES(self.key), modes.CBC(iv)).decryptor()
        text = work.update(payload) + work.finalize()
        strip = PKCS7(128).unpadder()
        return strip.update(text) + strip.finalize()
