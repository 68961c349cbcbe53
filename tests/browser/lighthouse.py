#!/usr/bin/env python3
# SPDX-License-Identifier: MIT OR Apache-2.0
"""Lighthouse on the console's overview, signed in, while a client streams.

usage: lighthouse.py PUNKTFUNK-HOST PUNKTFUNK-PROBE PF-PATTERN CONSOLE OUTPUT-DIRECTORY
Fails below 95 of 100 for performance or accessibility, on a desktop or a slow phone. Fetches
Lighthouse through npx."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import console

LIGHTHOUSE = "lighthouse@12.8.2"
LEAST = 95
TOLD = ("first-contentful-paint", "largest-contentful-paint", "total-blocking-time",
        "cumulative-layout-shift", "total-byte-weight")


def audit(w, cookie, form, out):
    """Lighthouse's report, as an object; its own file is in `out`."""
    # In a file of its own: a command line can be read by all.
    with tempfile.NamedTemporaryFile("w", suffix=".json") as headers:
        json.dump({"Cookie": cookie}, headers)
        headers.flush()
        report = out / f"lighthouse-{form}.json"
        for _ in range(2):  # Chromium sometimes starts too slowly for it
            run = subprocess.run(
                ["npx", "--yes", LIGHTHOUSE, w.root, "--quiet", "--output=json", f"--output-path={report}",
                 f"--extra-headers={headers.name}", *(["--preset=desktop"] if form == "desktop" else []),
                 "--only-categories=performance,accessibility,best-practices",
                 "--chrome-flags=--headless=new --no-sandbox --ignore-certificate-errors"],
                env={**os.environ, "CHROME_PATH": shutil.which("chromium") or ""}, text=True,
                capture_output=True, timeout=240)
            if not run.returncode:
                return json.loads(report.read_text())
    sys.exit(f"lighthouse: {run.stderr[-1500:]}")


def main():
    w = console.world()
    w.page.close()
    out = pathlib.Path(console.OUT)
    out.mkdir(parents=True, exist_ok=True)
    said = w.place.run("console", "--new-password")
    cookie = w.api.log_in(console.PASSWORD_LINE.search(said.stdout).group(1))["Cookie"]
    w.probe("Phone", "connect", "--trust-first", "--mode", "640x360@30", "--seconds", 600)
    console.until(lambda: w.get("/access/requests")["requests"], "the knock of the client")
    knock = w.get("/access/requests")["requests"][0]["id"]
    w.api.expect(200, "POST", f"/access/requests/{knock}/approve", {})
    console.until(w.session, "its stream")
    low = []
    for form in ("desktop", "mobile"):
        report = audit(w, cookie, form, out)
        scores = {k: round(100 * c["score"]) for k, c in report["categories"].items()}
        print(form, scores, {k: report["audits"][k]["displayValue"] for k in TOLD}, flush=True)
        low += [f"{form} {k}" for k in ("performance", "accessibility") if scores[k] < LEAST]
    w.end()
    if low:
        sys.exit(f"lighthouse: below {LEAST}: {', '.join(low)}")


main()
