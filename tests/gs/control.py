# SPDX-License-Identifier: MIT OR Apache-2.0
"""Control messages under control-v2, and the input they carry."""
import struct

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

IDR, START, PING, INVALIDATE, FEC_STATUS, INPUT = 0x0302, 0x0307, 0x0200, 0x0301, 0x5502, 0x0206
RUMBLE, HDR, TERMINATION = 0x010B, 0x010E, 0x0109
TRIGGER_RUMBLE, MOTION_REQUEST, LED, ADAPTIVE_TRIGGERS = 0x5500, 0x5501, 0x5502, 0x5503
GENERIC, URGENT, KEYBOARD, MOUSE, PEN, TOUCH, TEXT = 0, 1, 2, 3, 4, 5, 6
PAD, PAD_MOTION = 0x10, 0x20
NORMAL_END = 0x80030023


class Seal:
    """Both directions of one session."""

    def __init__(self, key):
        self.aead = AESGCM(key)
        self.sent = 0
        self.heard = -1

    def seal(self, kind, payload=b"", number=None):
        """With `number` an old one is used again."""
        if number is None:
            number, self.sent = self.sent, self.sent + 1
        iv = number.to_bytes(4, "little") + bytes(6) + b"CC"
        sealed = self.aead.encrypt(iv, struct.pack("<HH", kind, len(payload)) + payload, None)
        return struct.pack("<HHI", 1, 4 + len(sealed), number) + sealed[-16:] + sealed[:-16]

    def open(self, packet):
        """(type, payload) of a packet from the host."""
        mark, length, number = struct.unpack_from("<HHI", packet)
        assert mark == 1 and length == len(packet) - 4, packet[:8]
        assert number > self.heard, "the host's sequence went back"
        self.heard = number
        iv = number.to_bytes(4, "little") + bytes(6) + b"HC"
        text = self.aead.decrypt(iv, packet[24:] + packet[8:24], None)
        kind, size = struct.unpack_from("<HH", text)
        assert size == len(text) - 4
        return kind, text[4:]


def _event(magic, body):
    return struct.pack("!I", 4 + len(body)) + struct.pack("<I", magic) + body


def key(down, vk, modifiers=0, flags=0):
    return _event(3 if down else 4, struct.pack("<BHBH", flags, 0x8000 | vk, modifiers, 0))


def move(dx, dy):
    return _event(0x07, struct.pack("!hh", dx, dy))


def place(x, y, width, height):
    return _event(0x05, struct.pack("!hhhhh", x, y, 0, width - 1, height - 1))


def button(down, number):
    return _event(8 if down else 9, bytes([number]))


def scroll(amount):
    return _event(0x0A, struct.pack("!hhh", amount, amount, 0))


def hscroll(amount):
    return _event(0x55000001, struct.pack("!h", amount))


def text(character):
    return _event(0x17, character.encode())


def haptics():
    return _event(0x0D, struct.pack("<H", 1))


def touch(event, pointer, x, y, pressure=0.5):
    return _event(0x55000002, struct.pack("<BBHIfffff", event, 0, 0xFFFF, pointer, x, y, pressure,
                                          0, 0))


def pen(event, x, y, tool=1, buttons=0, pressure=0.5):
    return _event(0x55000003, struct.pack("<BBBBfffHBBff", event, tool, buttons, 0, x, y, pressure,
                                          0xFFFF, 0xFF, 0, 0, 0))


def pad(number, mask, buttons=0, left=0, right=0, sticks=(0, 0, 0, 0)):
    return _event(0x0C, struct.pack("<HhHHHBBhhhhHHH", 0x1A, number, mask, 0x14, buttons & 0xFFFF,
                                    left, right, *sticks, 0x9C, buttons >> 16, 0x55))


def pad_arrival(number, kind=1, capabilities=3, buttons=0xF7FF):
    return _event(0x55000004, struct.pack("<BBHI", number, kind, capabilities, buttons))


def pad_touch(number, event, pointer, x, y, pressure=0.5):
    return _event(0x55000005, struct.pack("<BBBBIfff", number, event, 0, 0, pointer, x, y,
                                          pressure))


def pad_motion(number, kind, x, y, z):
    return _event(0x55000006, struct.pack("<BBHfff", number, kind, 0, x, y, z))


def pad_battery(number, state, percent):
    return _event(0x55000007, struct.pack("<BBH", number, state, percent))
