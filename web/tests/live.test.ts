// SPDX-License-Identifier: MIT OR Apache-2.0
import { expect, test } from "vitest";
import { LIVE_SAMPLES, Live } from "../src/api/live";
import { Ring } from "../src/api/ring";
import { summary } from "../src/ui/summary";
import { session } from "./samples";

test("a ring keeps the newest", () => {
    const ring = new Ring<number>(3);
    expect(ring.last()).toBeUndefined();
    for (let i = 1; i <= 5; i++) {
        ring.push(i);
        expect(ring.last()).toBe(i);
    }
    expect(ring.list()).toEqual([3, 4, 5]);
    ring.clear();
    expect(ring.list()).toEqual([]);
    ring.push(9);
    expect(ring.list()).toEqual([9]);
});

const at = (s: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, s)).toISOString();
const event = (s: number, ...ids: number[]) => ({
    at: at(s),
    sessions: ids.map((id) => session(id, s)),
});

test("samples are kept per session, bounded, each second once", () => {
    const live = new Live();
    let told = 0;
    live.subscribe(() => told++);
    for (let s = 1; s <= LIVE_SAMPLES + 10; s++) live.take(event(s, 1, 2));
    live.take(event(LIVE_SAMPLES + 10, 1, 2));
    expect(told).toBe(LIVE_SAMPLES + 11);
    const one = live.samples("native/1");
    expect(one.length).toBe(LIVE_SAMPLES);
    expect(one[0]?.fps).toBe(11);
    expect(one.at(-1)?.fps).toBe(LIVE_SAMPLES + 10);
    // React compares by identity: no new list without a new sample.
    expect(live.samples("native/1")).toBe(one);
    live.take(event(LIVE_SAMPLES + 11, 2));
    expect(live.samples("native/1")).toBe(one);
    expect(live.samples("native/2").at(-1)?.fps).toBe(LIVE_SAMPLES + 11);
    expect(live.samples("native/3")).toEqual([]);
});

test("a long life does not fill the memory", () => {
    const live = new Live();
    for (let id = 1; id <= 100; id++) live.take(event(id, id));
    expect(live.samples("native/1")).toEqual([]);
    expect(live.samples("native/100").length).toBe(1);
});

test("the summary leaves out what was not measured", () => {
    expect(summary([null, 2, 4, null, 9])).toEqual({ least: 2, mean: 5, most: 9 });
    expect(summary([null])).toBeUndefined();
});
