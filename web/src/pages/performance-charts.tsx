// SPDX-License-Identifier: MIT OR Apache-2.0
// The charts of one session as it lives, or of one or two recordings side by side.
import { useMemo } from "react";
import type { LiveSample } from "../api/live";
import { t, tData } from "../i18n";
import { Card } from "../ui/basic";
import { Chart, type Line } from "../ui/chart";
import { columns, STAGES, type Run } from "./performance-data";

export function Charts({ name, runs, elapsed }: { name: string; runs: Run[]; elapsed?: boolean }) {
    const data = useMemo(() => columns(runs, elapsed), [runs, elapsed]);
    const lines = (what: (s: LiveSample) => number | null | undefined, label: string, more: Partial<Line> = {}): Line[] =>
        runs.map((r, i) => ({
            label: r.label ? `${r.label}: ${label}` : label,
            values: data.of(i, what),
            colour: i,
            ...more,
        }));
    // A colour of its own where there is one run, that of its run where there are two.
    const own = runs.length > 1 ? {} : { colour: 1 };
    const latency = [
        ...lines((s) => s.stages?.total_ms?.p50, t("stage.total_ms")),
        ...lines((s) => s.stages?.total_ms?.p99, t("stage.total_p99"), { dashed: true }),
        // Two runs by all stages would be a tangle.
        ...(runs.length > 1 ? [] : STAGES.flatMap((stage, i) =>
            lines((s) => s.stages?.[stage]?.p50, tData("stage", stage), { colour: i + 1 }))),
    ];
    const chart = (key: string, title: string, unit: string, list: Line[], more: { digits?: number; atLeast?: number } = {}) => (
        <Card className={key === "latency" ? "wide" : undefined}>
            <Chart name={`${name}-${key}`} title={title} unit={unit} xs={data.xs} elapsed={elapsed} lines={list} {...more} />
        </Card>
    );
    return (
        <div className="charts">
            {chart("latency", t("perf.latency"), "ms", latency, { digits: 2 })}
            {chart("fps", t("perf.fps"), t("perf.perSecond"), lines((s) => s.fps, t("perf.pictures")))}
            {chart("bitrate", t("perf.bitrate"), "Mbit/s", [
                ...lines((s) => s.bitrate_kbps / 1000, t("perf.sent")),
                ...lines((s) => s.target_kbps && s.target_kbps / 1000, t("perf.target"), { dashed: true, ...own }),
            ])}
            {chart("loss", t("perf.loss"), "%", [
                ...lines((s) => s.loss_percent, t("perf.lossLine")),
                ...lines((s) => s.parity_percent, t("perf.parity"), { dashed: true, ...own }),
            ])}
            {chart("rtt", t("perf.rtt"), "ms", lines((s) => s.rtt_ms, t("perf.rtt")), { digits: 2 })}
        </div>
    );
}
