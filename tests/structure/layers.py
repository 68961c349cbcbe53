#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Include rules, file sizes and licence lines of the whole tree.

Prints TAP. The layers are those of DESIGN section 3: a file includes only
headers of its own layer or of one below."""
import pathlib
import re
import sys

ROOT = pathlib.Path(sys.argv[1])

CORE = ["base", "crypto", "fec", "wire", "media", "net", "quic", "session"]
CORE_MAY = {
    "base": ["base"],
    "crypto": ["base", "crypto"],
    "fec": ["base", "fec"],
    "wire": ["base", "crypto", "fec", "wire"],
    "media": ["base", "crypto", "fec", "wire", "media"],
    "net": ["base", "crypto", "fec", "wire", "media", "net"],
    "quic": ["base", "crypto", "wire", "net", "quic"],
    "session": CORE,
    "": CORE + [""],  # core/abi*.c
}
# host: lower first; each may include itself and everything before it.
HOST_ORDER = [
    ["", "sys"],
    ["registry"],
    ["wayland"],
    ["display"],
    ["capture", "encode", "audio", "input", "pads", "clipboard"],
    ["desk"],
    ["stream"],
    ["native", "gamestream"],
    ["doctor"],
    ["mgmt", "discovery"],
    ["cmd"],
]
HOST_LEVEL = {name: i for i, level in enumerate(HOST_ORDER) for name in level}
SKIP_DIRS = {".git", "subprojects", "node_modules"}
LINE_LIMIT = 1200


def sources():
    for p in sorted(ROOT.rglob("*.[ch]")):
        rel = p.relative_to(ROOT)
        if rel.parts[0].startswith("build") or SKIP_DIRS & set(rel.parts):
            continue
        yield rel, p.read_text(errors="replace")


def layer(rel):
    """('core', 'fec') of core/fec/x.h; ('host', '') of host/frame.h."""
    parts = rel.parts
    return parts[0], parts[1] if len(parts) > 2 else ""


def may_include(rel, target):
    top, sub = layer(rel)
    ttop, tsub = layer(pathlib.PurePath(target))
    if target == "punktfunk_core.h":
        # The plain-data types of the public header are the core's upper layers'.
        return top in ("clients", "docs", "tests", "tools") or (
            top == "core" and sub in ("", "session")) or top == "host"
    if top == "clients":
        return ttop == "clients"
    if top == "core":
        return ttop == "core" and tsub in CORE_MAY[sub]
    if top == "host":
        if ttop == "core":
            return tsub in CORE
        if rel.parts[1:] == ("main.c",):
            return ttop == "host"
        return ttop == "host" and HOST_LEVEL.get(tsub, 99) <= HOST_LEVEL.get(sub, -1)
    return True  # tests and tools


def check_includes(files):
    bad = []
    for rel, text in files:
        for m in re.finditer(r'^\s*#\s*include\s+"([^"]+)"', text, re.M):
            target = m.group(1)
            local = (ROOT / target).exists()
            if not local and target != "punktfunk_core.h":
                continue  # generated (protocol headers, pf_config.h)
            if not may_include(rel, target):
                bad.append(f"{rel}: may not include {target}")
    return bad


def check_sizes(files):
    return [
        f"{rel}: {text.count(chr(10))} lines, limit {LINE_LIMIT}"
        for rel, text in files
        if text.count("\n") > LINE_LIMIT and "generated" not in text[:400]
    ]


def check_spdx(files):
    want = "SPDX-License-Identifier: MIT OR Apache-2.0"
    bad = [str(rel) for rel, text in files if want not in text[:200]]
    for pattern in ("*.py", "meson.build", "*.sh"):
        for p in sorted(ROOT.rglob(pattern)):
            rel = p.relative_to(ROOT)
            if rel.parts[0].startswith("build") or SKIP_DIRS & set(rel.parts):
                continue
            if want not in p.read_text(errors="replace")[:300]:
                bad.append(str(rel))
    return [f"{b}: no SPDX line" for b in bad]


def check_platform_names(files):
    """No epoll, eventfd or systemd name in core outside core/net/os_linux.c."""
    bad = []
    for rel, text in files:
        if rel.parts[0] != "core" or str(rel) == "core/net/os_linux.c":
            continue
        for m in re.finditer(r"\b(epoll_\w+|eventfd\s*\(|sd_\w+|sys/epoll\.h|sys/eventfd\.h)", text):
            bad.append(f"{rel}: names {m.group(1)}")
    return bad


def check_globals(files):
    """No mutable file-scope data in core outside core/base (decision 19)."""
    bad = []
    decl = re.compile(
        r"^static\s+(?!const\b|inline\b|_Thread_local\b|void\b.*\()[\w\s\*]+?\b(\w+)\s*(\[[^\]]*\])*\s*(=|;)", re.M)
    for rel, text in files:
        if rel.parts[0] != "core" or rel.parts[1] == "base":
            continue
        for m in decl.finditer(text):
            line = text[m.start():text.find("\n", m.start())]
            if "(" in line.split("=")[0] or "const" in line.split("=")[0]:
                continue
            bad.append(f"{rel}: mutable global: {line.strip()}")
    return bad


def main():
    files = list(sources())
    checks = [
        ("includes point only down the layers", check_includes(files)),
        (f"no file above {LINE_LIMIT} lines", check_sizes(files)),
        ("every file has its SPDX line", check_spdx(files)),
        ("platform names stay in core/net/os_linux.c", check_platform_names(files)),
        ("no mutable globals in core outside base", check_globals(files)),
    ]
    print(f"1..{len(checks) + 1}")
    failed = 0
    for i, (name, bad) in enumerate(checks, 1):
        print(f"{'not ok' if bad else 'ok'} {i} - {name}")
        for b in bad:
            print(f"# {b}")
        failed += bool(bad)
    # The checks themselves must be able to fail.
    spoiled = [
        (pathlib.PurePath("core/base/x.c"), '#include "core/session/listener.h"\nint x;\n'),
        (pathlib.PurePath("core/fec/x.c"), "static int count;\n" + "\n" * (LINE_LIMIT + 1)),
        (pathlib.PurePath("core/quic/x.c"), "int f(void) { return epoll_create1(0); }\n"),
    ]
    caught = all([
        check_includes(spoiled), check_sizes(spoiled), check_platform_names(spoiled),
        check_globals(spoiled),
    ])
    print(f"{'ok' if caught else 'not ok'} {len(checks) + 1} - each check fails on a spoiled file")
    return 1 if failed or not caught else 0


sys.exit(main())
