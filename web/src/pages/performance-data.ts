// SPDX-License-Identifier: MIT OR Apache-2.0
import type { Schemas } from "../api/client";
import { sessionKey, type LiveSample } from "../api/live";

/** In the order that a picture goes through them. */
export const STAGES = ["capture_ms", "queue_ms", "convert_ms", "encode_ms", "send_ms"] as const;

/** A longer gap between two samples breaks the line. */
const GAP_MS = 3000;

export interface Run {
    label: string;
    samples: LiveSample[];
}

/** Samples as uPlot wants them: one row of x for all lines. With `elapsed` each run begins at 0. */
export function columns(runs: Run[], elapsed = false) {
    const rows = new Map<number, (LiveSample | undefined)[]>();
    runs.forEach((run, i) => {
        const begin = elapsed ? (run.samples[0]?.at ?? 0) : 0;
        let before: number | undefined;
        for (const s of run.samples) {
            // Runs meet at whole seconds; a live one keeps its times.
            const x = elapsed ? Math.round((s.at - begin) / 1000) : s.at / 1000;
            if (before !== undefined && s.at - before > GAP_MS) {
                const hole = x - 1;
                if (!rows.has(hole)) rows.set(hole, []);
            }
            before = s.at;
            const row = rows.get(x) ?? [];
            row[i] = s;
            rows.set(x, row);
        }
    });
    const xs = [...rows.keys()].sort((a, b) => a - b);
    return {
        xs,
        of: (run: number, what: (s: LiveSample) => number | null | undefined): (number | null)[] =>
            xs.map((x) => {
                const s = rows.get(x)?.[run];
                return (s && what(s)) ?? null;
            }),
    };
}

/** The sessions of a recording, the one with the most samples first. */
export function runsOf(recording: Pick<Schemas["RecordingSamples"], "name" | "samples">): Run[] {
    const sessions = new Map<string, LiveSample[]>();
    for (const second of recording.samples) {
        for (const s of second.sessions) {
            const list = sessions.get(sessionKey(s)) ?? [];
            list.push({ ...s, at: Date.parse(second.at) });
            sessions.set(sessionKey(s), list);
        }
    }
    return [...sessions.values()]
        .sort((a, b) => b.length - a.length)
        .map((samples, i) => ({ label: i ? `${recording.name} (${i + 1})` : recording.name, samples }));
}
