#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Apps, their pictures and clients: over the API, by the command line, as Moonlight sees
them. usage: mgmt_library.py PUNKTFUNK-HOST. Prints TAP."""
import json
import os
import pathlib
import struct
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from host_bed import Place, Skip, main
from mgmt_bed import FP, Api, expect, host, put_client


def png(w=2, h=3):
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", w, h, 8, 2, 0, 0, 0)) +
            chunk(b"IDAT", zlib.compress(b"\0" * (h * (1 + 3 * w)))) + chunk(b"IEND", b""))


JPEG = b"\xff\xd8\xff\xe0" + b"j" * 200 + b"\xff\xd9"
WEBP = b"RIFF" + struct.pack("<I", 100) + b"WEBPVP8 " + b"w" * 88


def give(place, name, data):
    path = place.dir / name
    path.write_bytes(data)
    place.own()
    return path


def art_folder(place):
    return place.dir / "data_home/punktfunk/art"


def pictures_are_kept_by_what_they_are():
    with Place() as p:
        with host(p) as s:
            api = Api(p, s)
            app = api.expect(201, "POST", "/apps", {"title": "Föö"})
            there = f"/apps/{app['id']}/art"
            assert app["art"] == "none"
            api.expect(404, "GET", there)
            for data, kind in ((png(), "image/png"), (JPEG, "image/jpeg"), (WEBP, "image/webp")):
                # What is said of it does not matter, as long as it is said to be a picture.
                api.expect(204, "PUT", there, raw=data, Content_Type="image/png")
                assert api.expect(200, "GET", there) == data
                assert api.headers["Content-Type"] == kind
                assert api.headers["X-Content-Type-Options"] == "nosniff"
            assert api.expect(200, "GET", f"/apps/{app['id']}")["art"] == "kept"
            for wrong in (b"", b"\x89PNG", b"GIF89a" + b"x" * 100, b"<svg onload='x'/>", b"{}",
                          b"#!/bin/sh\n", b"RIFFxxxxWAVE" + b"x" * 50):
                api.expect(415, "PUT", there, raw=wrong, Content_Type="image/png")
            for kind in ("text/plain", "application/json", "multipart/form-data", "image/svg+xml"):
                api.expect(415, "PUT", there, raw=png(), Content_Type=kind)
            whole = png() + b"\0" * (2**20 - len(png()))
            api.expect(204, "PUT", there, raw=whole, Content_Type="image/png")
            assert api.expect(200, "GET", there) == whole
            for more in (1, 5 << 20):  # and the sender hears why
                api.expect(413, "PUT", there, raw=whole + bytes(more), Content_Type="image/png")
            assert api.expect(200, "GET", there) == whole
            # Names are the host's own, whatever the path tries.
            for bad in ("..", "%2e%2e", "0", "-1", "1%2f..%2f2", "+1", "2147483648", "x"):
                api.expect(404, "PUT", f"/apps/{bad}/art", raw=png(), Content_Type="image/png")
            assert [f.name for f in art_folder(p).iterdir()] == [f"app-{app['id']}"]
            assert (art_folder(p) / f"app-{app['id']}").stat().st_mode & 0o777 == 0o600
            api.expect(204, "DELETE", there)
            api.expect(404, "DELETE", there)
            # With its app, and not inherited by the next of its title.
            api.expect(204, "PUT", there, raw=JPEG, Content_Type="image/jpeg")
            api.expect(204, "DELETE", f"/apps/{app['id']}")
            assert not list(art_folder(p).iterdir())
            api.expect(404, "GET", there)
            api.expect(404, "PUT", there, raw=JPEG, Content_Type="image/jpeg")
            again = api.expect(201, "POST", "/apps", {"title": "Föö"})
            assert again["id"] == app["id"] and again["art"] == "none"
            # Desktop may have one, too.
            api.expect(204, "PUT", "/apps/1/art", raw=WEBP, Content_Type="image/webp")
            give(p, "data_home/punktfunk/art/app-1.abcdef.pf-new", b"of a killed host")
            s.end()
        with host(p) as s:
            api = Api(p, s)
            assert api.expect(200, "GET", "/apps/1/art") == WEBP
            assert [f.name for f in art_folder(p).iterdir()] == ["app-1"]
            s.end()


def only_pictures_are_read_of_the_path_of_an_app():
    with Place() as p, host(p) as s:
        api = Api(p, s)
        picture = give(p, "picture.jpg", JPEG)
        for path, good in ((picture, True), (give(p, "secret", b"root:x:0:0\n" * 50), False),
                           (p.dir, False), ("/dev/zero", False), ("/none/such", False),
                           (p.dir / "pipe", False), (give(p, "large", png() + b"\0" * (5 << 20)), False)):
            if str(path).endswith("pipe"):
                import os
                os.mkfifo(path)
                p.own()
            app = api.expect(201, "POST", "/apps", {"title": "x", "image": str(path)})
            assert app["art"] == "image"
            there = f"/apps/{app['id']}/art"
            if good:
                assert api.expect(200, "GET", there) == JPEG
                api.expect(204, "PUT", there, raw=WEBP, Content_Type="image/webp")
                assert api.expect(200, "GET", there) == WEBP
                api.expect(204, "DELETE", there)
                assert api.expect(200, "GET", there) == JPEG
                assert picture.exists()
            else:
                said = api.expect(404, "GET", there)["error"]["message"]
                assert "root:x" not in said
            api.expect(204, "DELETE", f"/apps/{app['id']}")
        s.end()


def moonlight_shows_the_same_picture():
    try:
        from gs import web
    except ImportError as e:
        raise Skip("python3-cryptography is not installed") from e
    who = web.Identity()
    with Place() as p:
        put_client(p, fingerprint=who.fingerprint)
        with host(p, "--gamestream", "--gamestream-port", "0") as s:
            api, client = Api(p, s), web.Web(int(s.words()["gamestream"]), who)

            def box_art(app):
                return client.fetch("appasset", True, appid=app, AssetType=2, AssetIdx=0)

            drawn = box_art(1)
            assert drawn.startswith(b"\x89PNG"), drawn[:20]
            api.expect(204, "PUT", "/apps/1/art", raw=JPEG, Content_Type="image/jpeg")
            assert box_art(1) == JPEG
            api.expect(204, "DELETE", "/apps/1/art")
            assert box_art(1) == drawn
            s.end()


def the_command_line_manages_apps():
    with Place() as p, host(p) as s:
        number = expect(p.run("apps", "add", "Föö bar", "--command", "foot", "--detached",
                              "--fields", '{"env": {"A": "1"}, "prep": [{"do": "x"}]}'), 0).strip()
        expect(p.run("apps", "edit", "Föö bar", "--title", "Bar", "--attached", "--on-exit", "stay",
                     "--exit-timeout", "9", "--workdir", "/tmp"), 0)
        app = json.loads(expect(p.run("apps", "show", number), 0))
        assert app["title"] == "Bar" and app["env"] == {"A": "1"} and not app["detached"], app
        assert app["exit_timeout_s"] == 9 and app["on_exit"] == "stay" and app["command"] == "foot"
        expect(p.run("apps", "edit", "Bar", "--fields", '{"env": null}'), 0)
        assert json.loads(p.run("apps", "list", "--json").stdout)["apps"][1]["env"] == {}
        expect(p.run("apps", "edit", "Bar"), 2, "edit what")
        expect(p.run("apps", "edit", "Bar", "--fields", "{"), 2, "--fields")
        expect(p.run("apps", "edit", "Bar", "--workdir", "here"), 1, "absolute")
        expect(p.run("apps", "edit", "nobody", "--title", "x"), 1, "no app")
        file = str(give(p, "picture", WEBP))
        expect(p.run("apps", "art", "Bar"), 1, "no picture")
        expect(p.run("apps", "art", "Bar", file), 0)
        expect(p.run("apps", "art", "Bar"), 0, "image/webp", f"{len(WEBP)} bytes")
        expect(p.run("apps"), 0, "kept")
        saved = p.dir / "state_home/saved"
        expect(p.run("apps", "art", "Bar", "--save", str(saved)), 0)
        assert saved.read_bytes() == WEBP
        expect(p.run("apps", "art", "Bar", str(give(p, "text", b"hello"))), 1, "no PNG")
        expect(p.run("apps", "art", "Bar", str(give(p, "big", bytes(2**20 + 1)))), 1, "1 MiB")
        expect(p.run("apps", "art", "Bar", "--remove"), 0)
        expect(p.run("apps", "art", "Bar", "--remove"), 1, "no picture")
        for usage in (["art"], ["art", "Bar", file, "--remove"], ["show"], ["add"], ["remove", "a", "b"]):
            expect(p.run("apps", *usage), 2)
        expect(p.run("apps", "remove", number), 0)
        s.end()


def the_command_line_manages_clients():
    with Place() as p:
        put_client(p)
        (p.config / "allowed_clients").write_text("cd" * 32 + " pointer # den\n")
        p.own()
        with host(p) as s:
            expect(p.run("clients", "rename", "roth", "Sofa"), 0)
            expect(p.run("clients", "grants", "Sofa", "pointer,keyboard"), 0)
            expect(p.run("clients", "expires", FP[:8], "2099-01-01T00:00:00Z"), 0)
            one = json.loads(expect(p.run("clients", "--json"), 0))["clients"][0]
            assert (one["name"], one["grants"], one["expires"]) == (
                "Sofa", "pointer,keyboard", "2099-01-01T00:00:00Z"), one
            expect(p.run("clients", "expires", "Sofa", "never"), 0)
            expect(p.run("clients", "expires", "Sofa", "soon"), 1, "expires")
            expect(p.run("clients", "rename", "Sofa", ""), 1, "name")
            expect(p.run("clients", "rename", "den", "x"), 1, "allowed_clients")
            for usage in (["rename", "x"], ["grants"], ["bogus", "a", "b"]):
                expect(p.run("clients", *usage), 2)
            for usage in ([], ["Sofa", "--all"], ["Sofa", "--plane", "native"], ["--all", "--plane", "x"]):
                expect(p.run("unpair", *usage), 2)
            expect(p.run("unpair", "--all", "--plane", "native"), 0, "0 unpaired")
            expect(p.run("unpair", "--all"), 0, "1 unpaired")
            left = json.loads(p.run("clients", "--json").stdout)["clients"]
            assert [c["source"] for c in left] == ["allowed_clients"], left
            s.end()


main([pictures_are_kept_by_what_they_are, only_pictures_are_read_of_the_path_of_an_app,
      moonlight_shows_the_same_picture, the_command_line_manages_apps,
      the_command_line_manages_clients])
