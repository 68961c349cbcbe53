// SPDX-License-Identifier: MIT OR Apache-2.0
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { listen } from "../src/api/events";
import { live } from "../src/api/live";
import { session } from "./samples";

class Source {
    static all: Source[] = [];
    static readonly CLOSED = 2;
    readyState = 0;
    onopen?: () => void;
    onerror?: () => void;
    private on = new Map<string, (e: object) => void>();

    constructor(readonly url: string) {
        Source.all.push(this);
    }

    addEventListener(name: string, f: (e: object) => void) {
        this.on.set(name, f);
    }

    say(name: string, data: object, lastEventId = "") {
        this.on.get(name)?.({ data: JSON.stringify(data), lastEventId });
    }

    close() {
        this.readyState = 2;
    }
}

const newest = () => Source.all.at(-1) as Source;
let client: QueryClient;
let stop: () => void;

beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("EventSource", Source);
    Source.all = [];
    client = new QueryClient();
    for (const key of ["status", "clients", "login"]) client.setQueryData([key], { a: 1 });
    stop = listen(client);
});

afterEach(() => {
    stop();
    client.clear();
    vi.useRealTimers();
    vi.unstubAllGlobals();
});

const stale = (key: string) => client.getQueryState([key])?.isInvalidated;

test("what changed is read anew, and nothing else", () => {
    newest().say("clients.changed", {});
    expect(stale("clients")).toBe(true);
    expect(stale("status")).toBe(true);
    expect(stale("login")).toBe(false);
});

test("reset makes all stale but who we are", () => {
    newest().say("reset", {});
    expect(stale("clients")).toBe(true);
    expect(stale("login")).toBe(false);
});

test("live figures reach the rings", () => {
    newest().say("live", { at: "2026-01-01T00:00:00Z", sessions: [session(77, 60)] });
    expect(live.samples("native/77").at(-1)?.fps).toBe(60);
});

test("a host that refuses is asked again, later and later, from where we were", () => {
    newest().say("clients.changed", {}, "41");
    for (const wait of [1000, 2000, 4000, 8000, 10_000, 10_000]) {
        const n = Source.all.length;
        newest().readyState = 2;
        newest().onerror?.();
        vi.advanceTimersByTime(wait - 1);
        expect(Source.all.length).toBe(n);
        vi.advanceTimersByTime(1);
        expect(Source.all.length).toBe(n + 1);
        expect(newest().url).toBe("/api/v1/events?after=41");
    }
});

test("a line that was lost is left to EventSource, and all is read anew when it is back", () => {
    newest().onopen?.();
    expect(stale("clients")).toBe(false);
    newest().readyState = 0;
    newest().onerror?.();
    vi.advanceTimersByTime(60_000);
    expect(Source.all.length).toBe(1);
    newest().onopen?.();
    expect(stale("clients")).toBe(true);
});

test("nothing is asked after the end", () => {
    newest().readyState = 2;
    newest().onerror?.();
    stop();
    vi.advanceTimersByTime(60_000);
    expect(Source.all.length).toBe(1);
});
