// SPDX-License-Identifier: MIT OR Apache-2.0
// What the pages compute, without React: each rule here has a test beside it.
import type { Schemas } from "../api/client";
import type { LogLine } from "../api/events";

export const GRANTS = ["gamepad", "pointer", "keyboard", "clipboard", "microphone", "launch"] as const;
export type Grant = (typeof GRANTS)[number];

/** The rights that the API's word for them names. */
export function grantsOf(text: string): Grant[] {
    if (text === "all") return [...GRANTS];
    const words = text.split(",");
    return GRANTS.filter((g) => words.includes(g));
}

/** The API's word for a set of rights. */
export function grantsText(have: readonly Grant[]): string {
    const list = GRANTS.filter((g) => have.includes(g));
    return list.length === GRANTS.length ? "all" : list.length ? list.join(",") : "none";
}

/** 64 hex digits without colons and spaces, or null. */
export function fingerprintOf(text: string): string | null {
    const hex = text.replace(/[\s:]/g, "").toLowerCase();
    return /^[0-9a-f]{64}$/.test(hex) ? hex : null;
}

/** A fingerprint as people compare it: its first 16 digits in fours. */
export const shortFingerprint = (fp: string) => fp.slice(0, 16).replace(/(.{4})(?=.)/g, "$1 ");

/** The API's time (whole seconds, UTC) of a moment. */
export const apiTime = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");

/** What <input type="datetime-local"> shows for a time, in this machine's zone. */
export function localInput(time: string): string {
    const d = new Date(time);
    return new Date(d.getTime() - d.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** "3 minutes ago", "in 2 days", in the largest unit that is at least one. */
export function relative(ms: number, now: number, language: string): string {
    const f = new Intl.RelativeTimeFormat(language, { numeric: "auto" });
    const s = (ms - now) / 1000;
    const units = [
        ["year", 31_557_600],
        ["month", 2_629_800],
        ["day", 86_400],
        ["hour", 3600],
        ["minute", 60],
    ] as const;
    for (const [unit, size] of units) if (Math.abs(s) >= size) return f.format(Math.trunc(s / size), unit);
    return f.format(Math.trunc(s), "second");
}

// ---- the library ----

/** One NAME=value a line. The first line that is none is the error. */
export function envOf(text: string): { env: Record<string, string> } | { line: number } {
    const env: Record<string, string> = {};
    const lines = text.split("\n");
    for (let i = 0; i < lines.length; i++) {
        const line = lines[i]!.replace(/\r$/, "");
        if (!line.trim()) continue;
        const at = line.indexOf("=");
        const name = line.slice(0, at).trim();
        if (at < 1 || !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return { line: i + 1 };
        env[name] = line.slice(at + 1);
    }
    return { env };
}

export const envText = (env: Record<string, string>) =>
    Object.entries(env)
        .map(([k, v]) => `${k}=${v}`)
        .join("\n");

export const ART_BYTES_MAX = 1 << 20;
export const ART_TYPES = ["image/png", "image/jpeg", "image/webp"];

// ---- the log ----

export const LEVELS = ["error", "warn", "info", "debug"] as const;
export type Level = (typeof LEVELS)[number];
export const LOG_LINES_MAX = 2000;

export type LogFilter = { level: Level; topic: string; text: string };

/** The lines at least as grave as the level, of the topic, with the text in them. */
export function filterLog(lines: readonly LogLine[], f: LogFilter): LogLine[] {
    const most = LEVELS.indexOf(f.level);
    const needle = f.text.trim().toLowerCase();
    return lines.filter(
        (l) =>
            LEVELS.indexOf(l.level) <= most &&
            (!f.topic || l.topic === f.topic) &&
            (!needle || `${l.topic} ${l.text}`.toLowerCase().includes(needle)),
    );
}

/** Both, each line once and in order, the oldest dropped beyond the most that is kept. */
export function joinLog(old: readonly LogLine[], more: readonly LogLine[]): LogLine[] {
    if (!more.length) return old as LogLine[];
    const last = old.length ? old[old.length - 1]!.id : 0;
    const fresh = more[0]!.id > last;
    let all = [...old, ...more];
    if (!fresh) all = [...new Map(all.map((l) => [l.id, l])).values()].sort((a, b) => a.id - b.id);
    return all.slice(-LOG_LINES_MAX);
}

export const logText = (lines: readonly LogLine[]) =>
    lines.map((l) => `${l.at} ${l.level.padEnd(5)} ${l.topic}: ${l.text}\n`).join("");

// ---- settings ----

export type Setting = Schemas["Setting"];

/** A value as a settings file says it; the API takes it like that, too. */
export function settingText(v: Setting["value"] | undefined): string {
    if (v === undefined) return "";
    if (Array.isArray(v)) return v.join(",");
    return typeof v === "boolean" ? (v ? "yes" : "no") : String(v);
}

/** What the next start of the host will make of it, if nobody changes it. */
export const settingStored = (s: Setting) => settingText(s.waits ?? s.value);

/** What is wrong with a text for a setting, as far as that can be known here. */
export function settingFault(s: Setting, text: string): "number" | "range" | "empty" | undefined {
    if (s.type === "choices") return text ? undefined : "empty";
    if (s.type !== "number" || (s.auto && text === "auto")) return undefined;
    if (!/^\d{1,15}$/.test(text)) return "number";
    const n = Number(text);
    return n < (s.min ?? n) || n > (s.max ?? n) ? "range" : undefined;
}

export const GROUPS = [
    "network",
    "display",
    "video",
    "audio",
    "input",
    "access",
    "gamestream",
    "mgmt",
    "other",
] as const;
export type Group = (typeof GROUPS)[number];

// The first rule that fits; what a later host brings and no rule knows is "other".
const RULES: [RegExp, Group][] = [
    [/^(gamestream)/, "gamestream"],
    [/^(mgmt|log_|user$)/, "mgmt"],
    [/^(port|data_port|bind_address|dscp|discovery|jumbo_|delivery|fec_|speed_test)/, "network"],
    [/^(display_|session_|xwayland|cursor|clipboard|desk_|spare_desk|keyboard_layout)/, "display"],
    [/^(encoder|software_codecs|bitrate_|width_|height_|refresh_|repeat_)/, "video"],
    [/^(audio|microphone)/, "audio"],
    [/^(gamepad)/, "input"],
    [/^(allowed_clients|trust_|max_sessions)/, "access"],
];

export const groupOf = (name: string): Group => RULES.find(([rule]) => rule.test(name))?.[1] ?? "other";
