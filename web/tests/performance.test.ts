// SPDX-License-Identifier: MIT OR Apache-2.0
import { expect, test } from "vitest";
import { columns, runsOf } from "../src/pages/performance-data";
import { session } from "./samples";

const sample = (seconds: number, fps: number, begin = 1_000_000) =>
    ({ ...session(1, fps), at: begin + seconds * 1000 });

test("a live run keeps its times, and a gap breaks the line", () => {
    const c = columns([{ label: "", samples: [sample(1, 60), sample(2, 61), sample(9, 62)] }]);
    expect(c.xs).toEqual([1001, 1002, 1008, 1009]);
    expect(c.of(0, (s) => s.fps)).toEqual([60, 61, null, 62]);
});

test("two runs share the seconds since their beginnings", () => {
    const c = columns(
        [
            { label: "a", samples: [sample(0, 1), sample(1.02, 2)] },
            { label: "b", samples: [sample(0, 5, 9e6), sample(0.98, 6, 9e6), sample(2, 0, 9e6)] },
        ],
        true,
    );
    expect(c.xs).toEqual([0, 1, 2]);
    expect(c.of(0, (s) => s.fps)).toEqual([1, 2, null]);
    expect(c.of(1, (s) => s.fps)).toEqual([5, 6, 0]);
});

test("what was not measured is a hole, nought is not", () => {
    const c = columns([{ label: "", samples: [{ ...sample(1, 0), rtt_ms: null }] }]);
    expect(c.of(0, (s) => s.rtt_ms)).toEqual([null]);
    expect(c.of(0, (s) => s.fps)).toEqual([0]);
});

test("a recording comes apart into its sessions, the longest first", () => {
    const at = (s: number) => `2026-01-01T00:00:0${s}.000Z`;
    const runs = runsOf({
        name: "cable",
        samples: [
            { at: at(0), sessions: [session(1, 30)] },
            { at: at(1), sessions: [session(1, 31), session(2, 60)] },
            { at: at(2), sessions: [session(2, 61)] },
            { at: at(3), sessions: [session(2, 62)] },
        ],
    });
    expect(runs.map((r) => [r.label, r.samples.map((s) => s.fps)])).toEqual([
        ["cable", [60, 61, 62]],
        ["cable (2)", [30, 31]],
    ]);
    expect(columns(runs, true).of(1, (s) => s.fps)).toEqual([30, 31, null]);
    expect(runsOf({ name: "empty", samples: [] })).toEqual([]);
});
