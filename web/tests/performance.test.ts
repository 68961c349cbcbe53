// SPDX-License-Identifier: MIT OR Apache-2.0
import { expect, test } from "vitest";
import { columns } from "../src/pages/performance-data";
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
