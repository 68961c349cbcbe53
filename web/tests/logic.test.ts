// SPDX-License-Identifier: MIT OR Apache-2.0
import { describe, expect, it } from "vitest";
import type { LogLine } from "../src/api/events";
import table from "../../host/registry/config.c?raw";
import { t, type Text } from "../src/i18n";
import { settings as texts } from "../src/i18n/settings";
import { helpOf } from "../src/i18n/settings_help";
import {
    apiTime, envOf, envText, filterLog, fingerprintOf, grantsOf, grantsText, groupOf, joinLog, localInput, logText,
    LOG_LINES_MAX, relative, settingFault, settingStored, settingText, shortFingerprint, type Setting,
} from "../src/pages/logic";

const FP = "0123456789abcdef".repeat(4);

describe("rights", () => {
    it("read and write the API's words", () => {
        for (const words of ["all", "none", "pointer,keyboard", "gamepad,launch"])
            expect(grantsText(grantsOf(words))).toBe(words);
    });
    it("are in the API's order, and all of them are all", () => {
        expect(grantsText(["keyboard", "gamepad"])).toBe("gamepad,keyboard");
        expect(grantsText(["launch", "microphone", "clipboard", "keyboard", "pointer", "gamepad"])).toBe("all");
    });
    it("give nothing for words that nobody knows", () => {
        expect(grantsOf("admin,ALL")).toEqual([]);
    });
});

describe("fingerprints", () => {
    it("may have colons, spaces and capitals", () => {
        expect(fingerprintOf(FP.toUpperCase().replace(/(..)(?=.)/g, "$1:"))).toBe(FP);
        expect(fingerprintOf(` ${FP}\n`)).toBe(FP);
    });
    it("have 64 hex digits", () => {
        for (const bad of ["", FP.slice(1), `${FP}0`, FP.replace("0", "g")]) expect(fingerprintOf(bad)).toBeNull();
    });
    it("are short for people", () => expect(shortFingerprint(FP)).toBe("0123 4567 89ab cdef"));
});

describe("times", () => {
    it("go to the API in whole seconds and come back to the field in local minutes", () => {
        const ms = Date.parse("2030-01-31T12:34:56.789Z");
        expect(apiTime(ms)).toBe("2030-01-31T12:34:56Z");
        expect(new Date(localInput(apiTime(ms))).getTime()).toBe(Date.parse("2030-01-31T12:34:00Z"));
    });
    it("are said in the largest whole unit", () => {
        expect(relative(0, 59_000, "en")).toBe("59 seconds ago");
        expect(relative(0, 3_599_000, "en")).toBe("59 minutes ago");
        expect(relative(2 * 86_400_000, 0, "de")).toBe("übermorgen");
        expect(relative(0, 0, "en")).toBe("now");
    });
});

describe("an app's environment", () => {
    it("keeps what stands behind the first equals sign", () => {
        expect(envOf("A=b=c \r\n\n_X9=\n")).toEqual({ env: { A: "b=c ", _X9: "" } });
        expect(envText({ A: "b=c", B: "" })).toBe("A=b=c\nB=");
    });
    it("names the line that is no variable", () => {
        expect(envOf("A=b\nno equals")).toEqual({ line: 2 });
        expect(envOf("=x")).toEqual({ line: 1 });
        expect(envOf("1A=x")).toEqual({ line: 1 });
    });
});

describe("the log", () => {
    const line = (id: number, level: LogLine["level"] = "info", topic = "net", text = `t${id}`) => ({
        id,
        at: "2026-01-01T00:00:00Z",
        level,
        topic,
        text,
    });
    it("shows the level and what is worse, the topic, the text", () => {
        const all = [line(1, "debug"), line(2, "error", "audio", "Gone"), line(3, "warn"), line(4)];
        const ids = (f: object) =>
            filterLog(all, { level: "debug", topic: "", text: "", ...f }).map((l) => l.id);
        expect(ids({})).toEqual([1, 2, 3, 4]);
        expect(ids({ level: "warn" })).toEqual([2, 3]);
        expect(ids({ topic: "audio" })).toEqual([2]);
        expect(ids({ text: " gone " })).toEqual([2]);
        expect(ids({ text: "AUDIO" })).toEqual([2]);
    });
    it("has each line once, in order, and no more than are kept", () => {
        expect(joinLog([line(1), line(2)], [line(2), line(3)]).map((l) => l.id)).toEqual([1, 2, 3]);
        expect(joinLog([line(5)], [line(4)]).map((l) => l.id)).toEqual([4, 5]);
        const many = joinLog([], Array.from({ length: LOG_LINES_MAX + 5 }, (_, i) => line(i + 1)));
        expect([many.length, many[0]?.id]).toEqual([LOG_LINES_MAX, 6]);
    });
    it("is exported a line each", () => {
        expect(logText([line(1, "warn")])).toBe("2026-01-01T00:00:00Z warn  net: t1\n");
    });
});

describe("settings", () => {
    const base: Setting = {
        name: "x",
        type: "number",
        help: "",
        allowed: "",
        restart: false,
        default: 1,
        value: 1,
        source: "default",
        settable: true,
        min: 1,
        max: 64,
    };
    it("are written as a file says them", () => {
        expect([true, false, 5, "a", ["h264", "av1"], undefined].map((v) => settingText(v))).toEqual([
            "yes", "no", "5", "a", "h264,av1", "",
        ]);
    });
    it("show what waits for the next start", () => {
        expect(settingStored({ ...base, waits: 7 })).toBe("7");
        expect(settingStored({ ...base, type: "bool", value: true, waits: false })).toBe("no");
    });
    it("say what is wrong before they are sent", () => {
        const faults = (s: Partial<Setting>, ...values: string[]) => values.map((v) => settingFault({ ...base, ...s }, v));
        expect(faults({}, "1", "64", "0", "65", "", "1.5", "-1", "auto")).toEqual([
            undefined, undefined, "range", "range", "number", "number", "number", "number",
        ]);
        expect(faults({ auto: true }, "auto", "3")).toEqual([undefined, undefined]);
        expect(faults({ type: "choices" }, "", "h264")).toEqual(["empty", undefined]);
        expect(faults({ type: "text" }, "", "any thing")).toEqual([undefined, undefined]);
    });

    // The host's own table: a setting that is added there needs its texts here.
    const names = [...table.matchAll(/^\t\{ "(\w+)", PF_CONFIG_/gm)].map((m) => m[1] as string);
    it("all have a title, help in German and a group", () => {
        expect(names.length).toBeGreaterThan(40);
        expect(names.filter((n) => !(`setting.${n}` in texts))).toEqual([]);
        expect(names.filter((n) => helpOf({ name: n, help: "-" }, "de") === "-")).toEqual([]);
        expect(names.filter((n) => groupOf(n) === "other")).toEqual([]);
    });
});

it("a text keeps what stands in the place of {it}", () => {
    for (const key of ["pair.left", "disp.left", "knock.asked", "doc.at"] satisfies Text[])
        expect(t(key, { it: "\0" }).split("\0")).toHaveLength(2);
});
