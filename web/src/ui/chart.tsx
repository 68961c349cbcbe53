// SPDX-License-Identifier: MIT OR Apache-2.0
// Lines over time. What is drawn can be read, too: screen readers get a summary, everybody a table
// of the values on demand, and tests find uPlot itself (its `data` is what is drawn) as the
// property `uplot` of the element with data-chart.
import { useEffect, useId, useMemo, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { THEME_EVENT } from "../app/prefs";
import { duration, getLanguage, number, t, timeOfDay } from "../i18n";
import "../style/chart.css";
import { summary } from "./summary";

export interface Line {
    label: string;
    /** One per x; null where nothing was measured. */
    values: (number | null)[];
    dashed?: boolean;
    /** Lines of one colour belong together; without it each has its own. */
    colour?: number;
}

interface Props {
    /** For tests, and charts of one name share their cursor. */
    name: string;
    title: string;
    unit: string;
    digits?: number;
    /** Seconds: since 1970, or with `elapsed` since a beginning. */
    xs: number[];
    elapsed?: boolean;
    lines: Line[];
    /** The y axis reaches at least this far. */
    atLeast?: number;
}

export interface ChartElement extends HTMLDivElement {
    uplot?: uPlot;
}

const HEIGHT = 190;
const TABLE_ROWS = 60;

function colour(name: string): string {
    return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

export function seriesColour(i: number): string {
    return `--series-${(i % 6) + 1}`;
}

/** Counts up whenever the colours of the page change. */
function useThemeTurns(): number {
    const [turns, set] = useState(0);
    useEffect(() => {
        const turn = () => set((n) => n + 1);
        const dark = matchMedia("(prefers-color-scheme: dark)");
        dark.addEventListener("change", turn);
        window.addEventListener(THEME_EVENT, turn);
        return () => {
            dark.removeEventListener("change", turn);
            window.removeEventListener(THEME_EVENT, turn);
        };
    }, []);
    return turns;
}

export function Chart(props: Props) {
    const { name, title, unit, digits = 1, xs, elapsed, lines, atLeast = 1 } = props;
    const box = useRef<ChartElement>(null);
    const plot = useRef<uPlot>();
    const [at, setAt] = useState<number | null>(null);
    const [asTable, setAsTable] = useState(false);
    const id = useId();
    const theme = useThemeTurns();
    const data = useMemo<uPlot.AlignedData>(() => [xs, ...lines.map((l) => l.values)], [xs, lines]);
    const newest = useRef(data);
    newest.current = data;
    // uPlot is made anew only for another set of lines or other colours.
    const shape = JSON.stringify([lines.map((l, i) => [l.label, l.dashed, l.colour ?? i]), elapsed, atLeast, getLanguage()]);

    useEffect(() => {
        const el = box.current;
        if (!el) return;
        const muted = colour("--muted");
        const grid = { stroke: colour("--line"), width: 1 };
        const [drawn, isElapsed, least] = JSON.parse(shape) as [[string, boolean | undefined, number][], boolean, number];
        const sans = getComputedStyle(document.body).fontFamily;
        const u = new uPlot(
            {
                width: el.clientWidth || 300,
                height: HEIGHT,
                padding: [8, 18, 0, 0],
                legend: { show: false },
                cursor: { sync: { key: name.split("-")[0] ?? name }, points: { size: 6 }, drag: { x: false, y: false } },
                scales: {
                    x: { time: !isElapsed },
                    y: { range: (_u, _min, max) => [0, Math.max(least, (max ?? 0) * 1.1)] },
                },
                axes: [
                    {
                        stroke: muted,
                        font: `12px ${sans}`,
                        grid: { show: false },
                        ticks: { show: false },
                        size: 26,
                        space: 76,
                        values: (_u, splits) => splits.map((s) => (isElapsed ? duration(s) : timeOfDay(s * 1000))),
                    },
                    {
                        stroke: muted,
                        font: `12px ${sans}`,
                        grid,
                        ticks: { show: false },
                        size: 46,
                        space: 36,
                        values: (_u, splits) => splits.map((s) => number(s, s % 1 === 0 ? 0 : Math.round(s * 100) % 10 ? 2 : 1)),
                    },
                ],
                series: [
                    {},
                    ...drawn.map(([label, dashed, i]) => ({
                        label,
                        stroke: colour(seriesColour(i)),
                        width: 1.75,
                        points: { show: false },
                        ...(dashed ? { dash: [5, 4] } : {}),
                    })),
                ],
                hooks: { setCursor: [(p) => setAt(p.cursor.idx ?? null)] },
            },
            newest.current,
            el,
        );
        plot.current = u;
        el.uplot = u;
        const resize = new ResizeObserver(() => u.setSize({ width: el.clientWidth, height: HEIGHT }));
        resize.observe(el);
        return () => {
            resize.disconnect();
            u.destroy();
            delete el.uplot;
            plot.current = undefined;
        };
    }, [name, shape, theme]);

    useEffect(() => plot.current?.setData(data), [data]);

    const last = xs.length - 1;
    const show = at !== null && at <= last ? at : last;
    const value = (v: number | null | undefined) => (v === null || v === undefined ? "–" : number(v, digits));
    const when = (x: number | undefined) => (x === undefined ? "" : elapsed ? duration(x) : timeOfDay(x * 1000));
    const words = lines.map((l) => {
        const s = summary(l.values);
        return s && t("chart.summary", {
            label: l.label, unit, least: number(s.least, digits), mean: number(s.mean, digits), most: number(s.most, digits),
        });
    }).filter(Boolean).join(" ");

    return (
        <figure className="chart" aria-labelledby={id}>
            <figcaption>
                <h3 id={id}>{title} <span className="muted">{unit}</span></h3>
                <span className="muted small number">{at !== null && when(xs[show])}</span>
            </figcaption>
            <ul className="legend" aria-hidden="true">
                {lines.map((l, i) => (
                    <li key={l.label}>
                        <Swatch index={l.colour ?? i} dashed={l.dashed} />
                        {l.label}
                        <span className="number">{value(l.values[show])}</span>
                    </li>
                ))}
            </ul>
            <div ref={box} data-chart={name} className="plot" aria-hidden="true" />
            <p className="hidden">{words}</p>
            <details onToggle={(e) => setAsTable(e.currentTarget.open)}>
                <summary>{t("chart.table")}</summary>
                {asTable && (
                    <div className="chart-table" tabIndex={0} role="region" aria-labelledby={id}>
                        <table className="table" data-chart-table={name}>
                            <caption className="hidden">{title} ({unit})</caption>
                            <thead>
                                <tr>
                                    <th scope="col">{t("chart.time")}</th>
                                    {lines.map((l) => <th key={l.label} scope="col" className="num">{l.label}</th>)}
                                </tr>
                            </thead>
                            <tbody>
                                {xs.slice(-TABLE_ROWS).map((x, k, shown) => {
                                    const i = xs.length - shown.length + k;
                                    return (
                                        <tr key={x}>
                                            <th scope="row">{when(x)}</th>
                                            {lines.map((l) => <td key={l.label} className="num">{value(l.values[i])}</td>)}
                                        </tr>
                                    );
                                }).reverse()}
                            </tbody>
                        </table>
                    </div>
                )}
            </details>
        </figure>
    );
}

function Swatch({ index, dashed }: { index: number; dashed?: boolean }) {
    return (
        <svg width={16} height={8} aria-hidden="true">
            <line x1={1} x2={15} y1={4} y2={4} stroke={`var(${seriesColour(index)})`} strokeWidth={2.5}
                strokeDasharray={dashed ? "4 3" : undefined} strokeLinecap="round" />
        </svg>
    );
}
