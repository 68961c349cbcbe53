// SPDX-License-Identifier: MIT OR Apache-2.0
// The texts, in English and German. One file per area beside this one; each text is a pair, so
// that none can lack a language. {name} in a text is replaced; a plural is a pair of forms in one
// text, "{n} session|{n} sessions".
import { useSyncExternalStore } from "react";
import { common } from "./common";
import { devices } from "./devices";
import { displays } from "./displays";
import { doctor } from "./doctor";
import { library } from "./library";
import { logs } from "./logs";
import { overview } from "./overview";
import { pairing } from "./pairing";
import { parts } from "./parts";
import { performance } from "./performance";
import { settings } from "./settings";

export const texts = {
    ...common,
    ...devices,
    ...displays,
    ...doctor,
    ...library,
    ...logs,
    ...overview,
    ...pairing,
    ...parts,
    ...performance,
    ...settings,
} as const;

export type Text = keyof typeof texts;
export type Language = "en" | "de";
type Values = Record<string, string | number>;

const STORED = "pf-language";
const watchers = new Set<() => void>();
let language: Language = first();

function first(): Language {
    const stored = globalThis.localStorage?.getItem(STORED);
    if (stored === "en" || stored === "de") return stored;
    return globalThis.navigator?.language?.toLowerCase().startsWith("de") ? "de" : "en";
}

export function getLanguage(): Language {
    return language;
}

export function setLanguage(to: Language) {
    language = to;
    localStorage.setItem(STORED, to);
    document.documentElement.lang = to;
    watchers.forEach((w) => w());
}

/** Renders anew when the language changes; the shell uses it for the whole console. */
export function useLanguage(): Language {
    return useSyncExternalStore(
        (w) => {
            watchers.add(w);
            return () => watchers.delete(w);
        },
        getLanguage,
    );
}

export function t(key: Text, values: Values = {}): string {
    let text: string = texts[key][language === "de" ? 1 : 0];
    if (text.includes("|")) text = text.split("|")[values.n === 1 ? 0 : 1] ?? text;
    return text.replace(/\{(\w+)\}/g, (all, name: string) => {
        const v = values[name];
        return v === undefined ? all : typeof v === "number" ? number(v) : v;
    });
}

/** A text whose key comes from data; the data itself where the catalogue has no such text. */
export function tData(prefix: string, word: string): string {
    const key = `${prefix}.${word}`;
    return key in texts ? t(key as Text) : word;
}

/** The language as this browser writes numbers and times in it: en-GB rather than en. */
function locale(): string {
    return globalThis.navigator?.languages?.find((l) => l.toLowerCase().startsWith(language)) ?? language;
}

export function number(v: number, digits = 0): string {
    return v.toLocaleString(locale(), { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

/** 842 kbit/s, 12.4 Mbit/s */
export function rate(kbps: number): string {
    return kbps < 1000 ? `${number(kbps)} kbit/s` : `${number(kbps / 1000, kbps < 100_000 ? 1 : 0)} Mbit/s`;
}

export function milliseconds(ms: number): string {
    return `${number(ms, ms < 10 ? 2 : 1)} ms`;
}

/** 1:04:09, 4:09 */
export function duration(seconds: number): string {
    const s = Math.max(0, Math.floor(seconds));
    const two = (v: number) => String(v).padStart(2, "0");
    const h = Math.floor(s / 3600);
    const m = Math.floor(s / 60) % 60;
    return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

export function dateTime(iso: string | number | Date): string {
    return new Date(iso).toLocaleString(locale(), { dateStyle: "medium", timeStyle: "short" });
}

export function timeOfDay(at: string | number | Date): string {
    return new Date(at).toLocaleTimeString(locale());
}
