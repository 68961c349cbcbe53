// SPDX-License-Identifier: MIT OR Apache-2.0
import { expect, test } from "vitest";
import { duration, number, rate, t, tData, texts } from "../src/i18n";

const placeholders = (text: string) => [...new Set(text.match(/\{\w+\}/g))].sort();

test.each(Object.entries(texts))("%s says the same in both languages", (_key, [en, de]) => {
    expect(en).not.toBe("");
    expect(de).not.toBe("");
    expect(placeholders(de)).toEqual(placeholders(en));
    expect(de.split("|").length).toBe(en.split("|").length);
    expect(en.split("|").length).toBeLessThanOrEqual(2);
});

test("values and plurals are put in", () => {
    expect(t("overview.knocks", { n: 1 })).toBe("1 device asks for access");
    expect(t("overview.knocks", { n: 2 })).toBe("2 devices ask for access");
    expect(t("session.stopMore", { name: "<b>" })).toContain("<b>");
});

test("a word of the API that the catalogue does not know is shown as it is", () => {
    expect(tData("stage", "encode_ms")).toBe("encode");
    expect(tData("stage", "new_ms")).toBe("new_ms");
});

test("figures read well", () => {
    expect(rate(842)).toBe("842 kbit/s");
    expect(rate(12_440)).toBe("12.4 Mbit/s");
    expect(rate(240_000)).toBe("240 Mbit/s");
    expect(duration(249)).toBe("4:09");
    expect(duration(3849.9)).toBe("1:04:09");
    expect(duration(-1)).toBe("0:00");
    expect(number(1234.56, 1)).toBe("1,234.6");
});
