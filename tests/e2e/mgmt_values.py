# SPDX-License-Identifier: MIT OR Apache-2.0
"""Values by a schema of host/mgmt/openapi.yaml: right ones, wrong ones, any."""
import json

from mgmt_bed import is_valid, resolve

# What fits the patterns of the document and what comes near.
WORDS = ["1234", "all", "pointer,keyboard", "none", "2099-01-01T00:00:00Z", "ab" * 32, "AB:" * 31 + "AB",
         "/", "/tmp", "", "a", "info", "live", "native", "gamestream", "x" * 12, "1", "0123456789" * 2,
         "640x360@30"]
ODD = ["root", "ab" * 31, "AB" * 33, "-1", "9" * 30, "2001-01-31T12:00:00Z", "2099-99-99T99:99:99Z",
       "../../../etc/passwd", "\x00", "a\x00b", "\u202e", "\ud7ff\ue000", "\U0001f600" * 30, "%00", "%s%n",
       "x" * 63, "x" * 64, "x" * 65, "x" * 128, "x" * 129, "x" * 4096, "x" * 60000, "\r\nSet-Cookie: a=b",
       "<script>alert(1)</script>", " ", "\t", "null", "true", "[]", "{}"]
NUMBERS = [0, 1, -1, 2, 59, 60, 61, 255, 256, 65535, 65536, 86400, 86401, 2**31 - 1, 2**31, 2**32 - 1,
           2**32, 2**53, 2**63 - 1, -2**63, 0.5, -0.0, 1e300, -1e300]
OTHERS = [None, True, False, [], {}, [None], [[[]]], {"a": None}, {"": ""}]
ANYTHING = WORDS + ODD + NUMBERS + OTHERS


def edges(schema):
    """The values at and beyond each bound of a schema."""
    out = []
    for word in ("minimum", "maximum"):
        if word in schema:
            out += [schema[word] - 1, schema[word], schema[word] + 1]
    for word in ("minLength", "maxLength"):
        if word in schema:
            out += ["x" * max(0, schema[word] + d) for d in (-1, 0, 1)]
    for word in ("minItems", "maxItems"):
        if word in schema:
            item = right(schema.get("items", {}))
            out += [[item] * max(0, schema[word] + d) for d in (-1, 0, 1)]
    if "maxProperties" in schema:
        out += [{f"k{i}": "v" for i in range(schema["maxProperties"] + d)} for d in (0, 1)]
    return out + list(schema.get("enum", [])) + ([schema["const"]] if "const" in schema else [])


def right(schema):
    """One value that fits."""
    schema = resolve(schema)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            return right(schema[word][0])
    if schema.get("properties") and "object" in schema.get("type", "object"):
        return {k: right(v) for k, v in schema["properties"].items() if k in schema.get("required", [])}
    given = [schema[w] for w in ("example", "default") if w in schema]
    for value in given + edges(schema) + WORDS + NUMBERS + OTHERS:
        if is_valid(value, schema):
            return value
    raise AssertionError(f"no value known that fits {schema}: give the schema an example")


def wrong(schema, most=12):
    """Values that do not fit, the telling ones first."""
    schema, out, kept = resolve(schema), [], set()
    for value in edges(schema) + [None, True, 7, -1, 1.5, "", "root", "\x00", [], {}, "x" * 5000, 2**40,
                                  [None], {"a": 1}]:
        text = json.dumps(value)
        if text not in kept and not is_valid(value, schema):
            kept.add(text)
            out.append(value)
    return out[:most]


def wrong_bodies(schema, good=None):
    """(why, body) of objects of which exactly one thing is wrong."""
    schema = resolve(schema)
    good = dict(right(schema) if good is None else good)
    for name in schema.get("required", []):
        yield f"without {name}", {k: v for k, v in good.items() if k != name}
    if schema.get("additionalProperties", True) is False:
        yield "with a field of no meaning", {**good, "bogus": 1}
    for name, part in schema.get("properties", {}).items():
        for value in wrong(part):
            yield f"{name} = {json.dumps(value)[:40]}", {**good, name: value}


def anything(random, schema, depth=0):
    """Any value: mostly one that fits or nearly does."""
    schema = resolve(schema)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            schema = resolve(random.choice(schema[word]))
    dice = random.random()
    if dice < 0.12 or depth > 6:
        return random.choice(ANYTHING)
    kinds = schema.get("type", "object" if "properties" in schema else "string")
    kind = kinds if isinstance(kinds, str) else random.choice(kinds)
    if kind == "object":
        out = {k: anything(random, v, depth + 1) for k, v in schema.get("properties", {}).items()
               if k in schema.get("required", []) and dice > 0.2 or random.random() < 0.4}
        rest = schema.get("additionalProperties", True)
        if isinstance(rest, dict):
            out.update({random.choice(WORDS + ODD): anything(random, rest, depth + 1)
                        for _ in range(random.choice((0, 1, 3, 65)))})
        elif random.random() < 0.05:
            out[random.choice(WORDS + ODD)] = random.choice(ANYTHING)
        return out
    if kind == "array":
        return [anything(random, schema.get("items", {}), depth + 1)
                for _ in range(random.choice((0, 1, 2, schema.get("maxItems", 3) + 1)))]
    fits = edges(schema) + {"string": WORDS, "integer": NUMBERS, "number": NUMBERS}.get(kind, OTHERS)
    if dice < 0.8:
        fits = [v for v in fits if is_valid(v, schema)] or fits
    return random.choice(fits + (ODD if kind == "string" and dice > 0.9 else []))
