#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""The public header as other languages import it, and the layout programs are built on.

usage: abi.py ROOT CC... [--update]
tests/structure/abi.txt lists every struct with its size and every member with offset
and size, for 64-bit machines: structs grow at the end, and there. --update writes it
anew. What the header may hold at all is checked on clang's syntax tree."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ARGS = [a for a in sys.argv[1:] if a != "--update"]
ROOT = pathlib.Path(ARGS[0])
CC = ARGS[1:] or ["cc"]
HEADER = ROOT / "include/punktfunk_core.h"
LIST = ROOT / "tests/structure/abi.txt"
NUMBERS = r"(?:u?int(?:8|16|32|64)_t|size_t|float)"
# A member: number, array of numbers, text or parts, pointer to data or to an object.
MEMBER = re.compile(rf"(?:{NUMBERS}|char)(?: ?\[\d+\])*|Punktfunk\w+ ?\[\d+\]|(?:const )?(?:{NUMBERS}|char|void|Punktfunk\w+) \*(?:const \*)?|Punktfunk\w+Callback")
PARAMETER = re.compile(rf"{NUMBERS}|(?:const )?(?:{NUMBERS}|char|void|Punktfunk\w+) \*(?:\*|const \*)?|Punktfunk\w+Callback")
RESULT = re.compile(r"void|u?int(?:32|64)_t|(?:const )?char \*")


def tree(clang):
    out = subprocess.run([clang, "-x", "c", "-std=c11", "-fsyntax-only", "-fparse-all-comments",
                          "-Xclang", "-ast-dump=json", str(HEADER)], check=True, capture_output=True, text=True)
    nodes = json.loads(out.stdout)["inner"]
    return [n for n in nodes if n.get("name", "").lower().startswith("punktfunk")]


def fields(struct):
    return [n for n in struct.get("inner", []) if n["kind"] == "FieldDecl"]


def structs_of(nodes):
    return [n for n in nodes if n["kind"] == "RecordDecl" and n.get("completeDefinition")]


def has_comment(node):
    return any(n["kind"] == "FullComment" for n in node.get("inner", []))


def check_structs(nodes):
    """A struct that is a part of another (an array of it) needs no size: it cannot grow."""
    bad = []
    parts = {re.match(r"Punktfunk\w+", m["type"]["qualType"]).group() for s in structs_of(nodes) for m in fields(s)
             if re.fullmatch(r"Punktfunk\w+ ?\[\d+\]", m["type"]["qualType"])}
    for s in structs_of(nodes):
        name = s["name"]
        if s["tagUsed"] != "struct":
            bad.append(f"{name}: a {s['tagUsed']} has no form in other languages")
        inner = [n["kind"] for n in s.get("inner", []) if n["kind"] in ("RecordDecl", "IndirectFieldDecl")]
        if inner:
            bad.append(f"{name}: holds a struct or union without a name")
        members = fields(s)
        if name not in parts and (not members or members[0].get("name") != "struct_size" or members[0]["type"]["qualType"] != "uint32_t"):
            bad.append(f"{name}: does not begin with uint32_t struct_size")
        for m in (m for m in members if "name" in m):
            kind = m["type"]["qualType"]
            if m.get("isBitfield"):
                bad.append(f"{name}.{m['name']}: bit-fields lie where each compiler likes")
            if not MEMBER.fullmatch(kind):
                bad.append(f"{name}.{m['name']}: {kind} does not cross the border")
    return bad


def check_functions(nodes):
    bad = []
    for f in (n for n in nodes if n["kind"] == "FunctionDecl"):
        result, params = re.fullmatch(r"(.*?) ?\((.*)\)", f["type"]["qualType"]).groups()
        if f.get("variadic") or "..." in params:
            bad.append(f"{f['name']}: takes arguments without types")
        if f.get("inline") or any(n["kind"] == "CompoundStmt" for n in f.get("inner", [])):
            bad.append(f"{f['name']}: its body is in the header, where only C sees it")
        if not RESULT.fullmatch(result):
            bad.append(f"{f['name']}: returns {result}")
        for p in (n for n in f.get("inner", []) if n["kind"] == "ParmVarDecl"):
            if not PARAMETER.fullmatch(p["type"]["qualType"]):
                bad.append(f"{f['name']}: {p.get('name')} is a {p['type']['qualType']}")
            if not p.get("name"):
                bad.append(f"{f['name']}: a parameter without a name")
    return bad


def check_documented(nodes):
    bad = [f"{f['name']} has no /** */ of its own" for f in nodes
           if f["kind"] == "FunctionDecl" and not has_comment(f)]
    return bad + [f"{s['name']} is not explained" for s in structs_of(nodes)
                  if not has_comment(s)]


def check_enums(nodes):
    """Each value fits an int, as C99 and every importer want, and none stands twice."""
    bad = []
    for e in (n for n in nodes if n["kind"] == "EnumDecl"):
        seen = {}
        for c in (n for n in e.get("inner", []) if n["kind"] == "EnumConstantDecl"):
            value = next((v["value"] for v in c.get("inner", []) if "value" in v), None)
            if value is None:
                bad.append(f"{c['name']}: its number is left to the compiler")
            elif not -2**31 <= int(value) < 2**31:
                bad.append(f"{c['name']}: {value} is no int")
            elif value in seen:
                bad.append(f"{c['name']} is {value}, as {seen[value]}")
            seen[value] = c["name"]
    return bad


def check_macros():
    """Only constants: an importer does not see macros with arguments."""
    out = subprocess.run(CC + ["-E", "-dM", "-x", "c", str(HEADER)], check=True, capture_output=True, text=True)
    names = re.findall(r"^#define (PUNKTFUNK\w*(?:\(.*?\))?)", out.stdout, re.M)
    return [f"{n} takes arguments" for n in names if "(" in n]


def check_ages(nodes):
    """tests/unit/abi_structs.c has each struct in the hands of older and newer callers;
    those of a callback are the library's and parts have no age."""
    text = (ROOT / "tests/unit/abi_structs.c").read_text()
    called_back = {re.search(r"const (Punktfunk\w+) \*\)", n["type"]["qualType"]) for n in nodes
                   if n["kind"] == "TypedefDecl" and n["name"].endswith("Callback")}
    called_back = {m.group(1) for m in called_back if m}
    return [f"{s['name']} is not tested" for s in structs_of(nodes)
            if fields(s)[0].get("name") == "struct_size" and s["name"] not in text and s["name"] not in called_back]


def layout(rows):
    """Sizes and offsets, by the compiler that builds the library: {row: text}"""
    lines = []
    for struct, member in rows:
        if member:
            lines.append(f'printf("{struct}.{member} %zu %zu\\n", offsetof({struct}, {member}), '
                         f"sizeof((({struct} *)0)->{member}));")
        else:
            lines.append(f'printf("{struct} %zu\\n", sizeof({struct}));')
    with tempfile.TemporaryDirectory() as tmp:
        source = pathlib.Path(tmp, "layout.c")
        source.write_text('#include <stdio.h>\n#include "punktfunk_core.h"\nint main(void) {\n' +
                          "\n".join(lines) + "\nreturn 0; }\n")
        program = str(pathlib.Path(tmp, "layout"))
        r = subprocess.run(CC + [f"-I{ROOT}/include", "-o", program, str(source)], capture_output=True, text=True)
        if r.returncode:
            return r.stderr.split("\n")
        return subprocess.run([program], check=True, capture_output=True, text=True).stdout.split("\n")[:-1]


def rows_of(lines):
    for line in lines:
        struct, _, member = line.split()[0].partition(".")
        yield struct, member


def main():
    clang = shutil.which("clang")
    nodes = tree(clang) if clang else []
    rows = [(s["name"], m) for s in structs_of(nodes) for m in [""] + [f["name"] for f in fields(s) if "name" in f]]
    if "--update" in sys.argv:
        LIST.write_text("# Struct and size; member, offset and size. tests/structure/abi.py compares.\n" +
                        "\n".join(layout(rows)) + "\n")
        return 0
    listed = [line for line in LIST.read_text().split("\n") if line and not line.startswith("#")]
    cases = [("structs lie as tests/structure/abi.txt says (--update where growth is meant)",
              sorted(set(layout(list(rows_of(listed)))) ^ set(listed)))]
    cases.append(("macros are constants", check_macros()))
    trees = [
        ("the list names every struct and member", lambda: sorted(f"{s} {m}" for s, m in set(rows) ^ set(rows_of(listed)))),
        ("structs begin with struct_size and hold plain members", lambda: check_structs(nodes)),
        ("functions take and return plain values", lambda: check_functions(nodes)),
        ("every function and struct is explained", lambda: check_documented(nodes)),
        ("structs of other ages are tested", lambda: check_ages(nodes)),
        ("numbers of enums are said, fit and differ", lambda: check_enums(nodes)),
    ]
    print(f"1..{len(cases) + len(trees)}")
    for name, check in trees:
        cases.append((name, check() if clang else None))
    for i, (name, bad) in enumerate(cases, 1):
        if bad is None:
            print(f"ok {i} - {name} # SKIP no syntax tree (package clang)")
            continue
        print(f"{'not ok' if bad else 'ok'} {i} - {name}")
        for b in bad:
            print(f"# {b}")
    return 1 if any(bad for _, bad in cases) else 0


sys.exit(main())
