# SPDX-License-Identifier: MIT OR Apache-2.0
"""GF(2^8) with x^8+x^4+x^3+x^2+1, and the two erasure codes built on it."""


def _multiply(a, b):
    product = 0
    while b:
        if b & 1:
            product ^= a
        a <<= 1
        if a & 0x100:
            a ^= 0x11D
        b >>= 1
    return product


# bytes.translate() with row c multiplies a whole shard by c.
TIMES = [bytes(_multiply(c, x) for x in range(256)) for c in range(256)]
INVERSE = [0] + [TIMES[c].index(1) for c in range(1, 256)]

# Parity j of sound: a fixed matrix, not the Cauchy one.
SOUND = [[0x77, 0x40, 0x38, 0x0E], [0xC7, 0xA7, 0x0D, 0x6C]]


def cauchy(parity, data):
    """Row j gives parity shard j of video: inv((parity + i) xor j)."""
    return [[INVERSE[(parity + i) ^ j] for i in range(data)] for j in range(parity)]


def combine(row, shards):
    """The sum of row[i] * shards[i]."""
    length = len(shards[0])
    total = 0
    for factor, shard in zip(row, shards):
        if factor:
            total ^= int.from_bytes(shard.translate(TIMES[factor]), "little")
    return total.to_bytes(length, "little")


def add(a, b):
    return (int.from_bytes(a, "little") ^ int.from_bytes(b, "little")).to_bytes(len(a), "little")


def recover(rows, data, parity):
    """The missing data shards, by index. `data` is a list with None where one is
    missing, `parity` maps j to a shard. None when too few are there."""
    missing = [i for i, shard in enumerate(data) if shard is None]
    if not missing:
        return {}
    use = sorted(parity)[:len(missing)]
    if len(use) < len(missing):
        return None
    known = [i for i, shard in enumerate(data) if shard is not None]
    matrix, right = [], []
    for j in use:
        matrix.append([rows[j][i] for i in missing])
        rest = parity[j]
        if known:
            rest = add(rest, combine([rows[j][i] for i in known], [data[i] for i in known]))
        right.append(rest)
    for column in range(len(missing)):
        pivot = next(r for r in range(column, len(missing)) if matrix[r][column])
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        right[column], right[pivot] = right[pivot], right[column]
        scale = INVERSE[matrix[column][column]]
        matrix[column] = [TIMES[scale][c] for c in matrix[column]]
        right[column] = right[column].translate(TIMES[scale])
        for r in range(len(missing)):
            factor = matrix[r][column]
            if r == column or not factor:
                continue
            matrix[r] = [a ^ TIMES[factor][b] for a, b in zip(matrix[r], matrix[column])]
            right[r] = add(right[r], right[column].translate(TIMES[factor]))
    return dict(zip(missing, right))
