#!/usr/bin/python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""SPAKE2 against Debian's python3-spake2: both roles, equal and unequal PINs."""
import os
import secrets
import subprocess
import sys

try:
    from spake2 import SPAKE2_A, SPAKE2_B
except ImportError:
    print("1..0 # SKIP python3-spake2 is not installed")
    sys.exit(77)

ROUNDS = 20  # of each kind


class Ours:
    def __init__(self, program):
        self.p = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, line):
        self.p.stdin.write(line + "\n")
        self.p.stdin.flush()
        return self.p.stdout.readline().strip()

    def start(self, side, pin, id_a, id_b):
        return bytes.fromhex(self.ask(f"{side} {pin.hex()} {id_a.hex()} {id_b.hex()}"))

    def finish(self, message):
        return self.ask(message.hex())


def exchange(ours, side, pin, their_pin, id_a, id_b):
    """Our key and theirs."""
    theirs = (SPAKE2_B if side == "A" else SPAKE2_A)(their_pin, idA=id_a, idB=id_b)
    message = theirs.start()
    sent = ours.start(side, pin, id_a, id_b)
    return ours.finish(message), theirs.finish(sent).hex()


def main():
    ours = Ours(sys.argv[1])
    cases = []
    for side in "AB":
        for equal in (True, False):
            bad = 0
            for _ in range(ROUNDS):
                pin = b"%04d" % secrets.randbelow(10000)
                other = pin if equal else b"%04d" % ((int(pin) + 1 + secrets.randbelow(9999)) % 10000)
                mine, theirs = exchange(ours, side, pin, other, os.urandom(32), os.urandom(32))
                good = len(mine) == 64 and (mine == theirs) == equal
                bad += not good
            name = f"we are {side}, {'the same PIN' if equal else 'other PINs'}, {ROUNDS} times"
            cases.append((bad == 0, name))
    ours.p.stdin.close()
    cases.append((ours.p.wait() == 0, "our side ends in order"))
    print(f"1..{len(cases)}")
    for i, (ok, name) in enumerate(cases, 1):
        print(f"{'ok' if ok else 'not ok'} {i} - {name}")
    return 0 if all(ok for ok, _ in cases) else 1


if __name__ == "__main__":
    sys.exit(main())
