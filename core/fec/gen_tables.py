#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Writes core/fec/tables.c: python3 core/fec/gen_tables.py > core/fec/tables.c

tests/unit/fec_tables.c recomputes every entry by another way.
"""
POLY = 0x1002D
BASIS = [int(x, 16) for x in (
    "0001 ACCA 3C0E 163E C582 ED2E 914C 4012 6C98 10D8 6A72 B900 FDB8 FB34 FF38 991E").split()]


def mul(a, b, poly, bits):
    r = 0
    while b:
        if b & 1:
            r ^= a
        b >>= 1
        a <<= 1
        if a >> bits & 1:
            a ^= poly
    return r


elem = [0] * 65536  # coordinates -> field element
for i, b in enumerate(BASIS):
    for j in range(1 << i):
        elem[1 << i | j] = elem[j] ^ b
coord = [0] * 65536
for c, e in enumerate(elem):
    coord[e] = c


def mul16(a, b):
    return coord[mul(elem[a], elem[b], POLY, 16)]


def power16(n):
    r, s = 1, coord[2]
    while n:
        if n & 1:
            r = mul16(r, s)
        s = mul16(s, s)
        n >>= 1
    return r


# Tower form: lo + theta * hi, theta = the element with coordinates 0x100.
tower = [0] * 65536
for hi in range(256):
    t = mul16(0x100, hi)
    for lo in range(256):
        tower[t ^ lo] = lo | hi << 8

out = []


def emit(s=""):
    out.append(s)


def numbers(values, fmt, per_line):
    for i in range(0, len(values), per_line):
        emit("\t\t" + " ".join(fmt % v + "," for v in values[i:i + per_line]))


def field(name, product, generator, factor=lambda c: c):
    macro = name.upper() + "_ROWS"
    emit("#define %s(R) \\" % macro)
    for c in range(256):
        emit("\tR(%s)%s" % (", ".join("%d" % product(factor(c), 1 << b) for b in range(8)),
                            " \\" if c < 255 else ""))
    emit()
    exp, log, v = [], [0] * 256, 1
    for i in range(255):
        log[v] = i
        exp.append(v)
        v = product(v, generator)
    assert v == 1
    emit("const struct pf_gf256 pf_%s = {" % name)
    emit("\t.nib = { %s(NIB) }," % macro)
    emit("\t.affine = { %s(AFFINE) }," % macro)
    emit("\t.exp = {")
    numbers(exp + exp, "%d", 16)
    emit("\t},")
    emit("\t.log = {")
    numbers(log, "%d", 16)
    emit("\t},")
    emit("};")
    emit()
    return log



emit("""/* SPDX-License-Identifier: MIT OR Apache-2.0 */
/* Written by core/fec/gen_tables.py. */
/* clang-format off */
#include "core/fec/tables.h"

/* A linear map of eight bits, given by the images of the eight bits. */
#define NIB4(a, b, c, d) \\
	0, (a), (b), (a) ^ (b), (c), (a) ^ (c), (b) ^ (c), (a) ^ (b) ^ (c), (d), (a) ^ (d), \\
	(b) ^ (d), (a) ^ (b) ^ (d), (c) ^ (d), (a) ^ (c) ^ (d), (b) ^ (c) ^ (d), \\
	(a) ^ (b) ^ (c) ^ (d)
#define NIB(a, b, c, d, e, f, g, h) { NIB4(a, b, c, d), NIB4(e, f, g, h) },
#define BITS(i, a, b, c, d, e, f, g, h) \\
	((uint64_t)(((a) >> (i) & 1) | ((b) >> (i) & 1) << 1 | ((c) >> (i) & 1) << 2 | \\
	((d) >> (i) & 1) << 3 | ((e) >> (i) & 1) << 4 | ((f) >> (i) & 1) << 5 | \\
	((g) >> (i) & 1) << 6 | ((h) >> (i) & 1) << 7) << 8 * (7 - (i)))
#define AFFINE(...) \\
	BITS(0, __VA_ARGS__) | BITS(1, __VA_ARGS__) | BITS(2, __VA_ARGS__) | \\
	BITS(3, __VA_ARGS__) | BITS(4, __VA_ARGS__) | BITS(5, __VA_ARGS__) | \\
	BITS(6, __VA_ARGS__) | BITS(7, __VA_ARGS__),
""")

def mul8(a, b):
    return mul(a, b, 0x11D, 8)


inverse = {a: b for a in range(256) for b in range(256) if mul8(a, b) == 1}
field("gf8_field", mul8, 2, lambda c: inverse[c] if c else 0)
g8 = power16(257)
assert g8 < 256
sub_log = field("gf16_sub", mul16, g8)

back_hi = [0] * 256  # tower hi -> coordinate hi byte and what it adds to the low byte
back_lo = [0] * 256
for c in range(0, 65536, 256):
    hi = tower[c] >> 8
    back_hi[hi], back_lo[hi] = c >> 8, tower[c] & 255

logs, acc = {}, 1
heads = []
g = coord[2]
for i in range(65535):
    t = tower[acc]
    if t >> 8 == 1:
        logs[t & 255] = i
    if i < 257:
        heads.append([sub_log[x] if x else 512 for x in (t & 255, t >> 8)])
    acc = mul16(acc, g)

emit("const struct pf_gf16_tower pf_gf16_tower = {")


def image_map(name, f):
    cols = ", ".join("%d" % f(1 << b) for b in range(8))
    emit("\t.%s = { .nib = NIB(%s) .affine = AFFINE(%s) }," % (name, cols, cols))


image_map("in_lo", lambda h: tower[h << 8] & 255)
image_map("in_hi", lambda h: tower[h << 8] >> 8)
image_map("out_lo", lambda h: back_lo[h])
image_map("out_hi", lambda h: back_hi[h])
emit("\t.theta2 = %d," % (tower[mul16(0x100, 0x100)] & 255))
emit("\t.log1 = {")
numbers([logs[i] for i in range(256)], "%d", 12)
emit("\t},")
for n, name in enumerate(("exp257_lo", "exp257_hi")):
    emit("\t.%s = {" % name)
    numbers([h[n] for h in heads], "%d", 16)
    emit("\t},")
emit("};")
print("\n".join(out))
