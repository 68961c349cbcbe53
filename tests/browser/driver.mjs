// SPDX-License-Identifier: MIT OR Apache-2.0
// Drives Chromium for console.py: one command a line on standard input, as JSON, one answer a line
// on standard output. What a person would find is found by role, label or text.
// usage: driver.mjs CHROMIUM
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { chromium } from "playwright-core";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");
const PATIENCE_MS = 20000;
const browser = await chromium.launch({
    executablePath: process.argv[2],
    chromiumSandbox: process.getuid() !== 0,
    args: ["--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"],
});
let context, page;
let problems = [];

function note(text) {
    problems.push(text);
}

/** What is meant: { role, name } or { label } or { text } or { css }, inside of `within`. */
function find(what) {
    const base = what.within ? find(what.within) : page;
    const exact = what.exact ?? false;
    let l;
    if (what.role) l = base.getByRole(what.role, what.name === undefined ? {} : { name: what.name, exact });
    else if (what.label) l = base.getByLabel(what.label, { exact });
    else if (what.text) l = base.getByText(what.text, { exact });
    else l = base.locator(what.css);
    if (what.has) l = l.filter({ hasText: what.has });
    return what.nth === undefined ? l : l.nth(what.nth);
}

const commands = {
    async open({ width = 1280, height = 800, theme = "light", locale = "en-GB", motion = "no-preference" }) {
        await context?.close();
        context = await browser.newContext({
            ignoreHTTPSErrors: true, viewport: { width, height }, colorScheme: theme, locale,
            reducedMotion: motion,
        });
        context.setDefaultTimeout(PATIENCE_MS);
        page = await context.newPage();
        page.on("console", (m) => (m.type() === "error" || m.type() === "warning") &&
            note(`console ${m.type()}: ${m.text()} (${m.location().url})`));
        page.on("pageerror", (e) => note(`uncaught: ${e.stack ?? e}`));
        page.on("response", (r) => r.status() >= 400 && note(`${r.request().method()} ${r.url()}: ${r.status()}`));
    },
    goto: ({ url }) => page.goto(url, { waitUntil: "load" }).then(() => null),
    reload: () => page.reload().then(() => null),
    size: ({ width, height }) => page.setViewportSize({ width, height }),
    theme: ({ theme }) => page.emulateMedia({ colorScheme: theme }),
    click: ({ what }) => find(what).click(),
    fill: ({ what, value }) => find(what).fill(value),
    check: ({ what, value }) => find(what).setChecked(value),
    choose: ({ what, value }) => find(what).selectOption(value).then(() => null),
    upload: ({ what, path }) => find(what).setInputFiles(path),
    press: ({ key }) => page.keyboard.press(key),
    type: ({ text }) => page.keyboard.type(text),
    wait: ({ what, state = "visible" }) => find(what).first().waitFor({ state }),
    count: ({ what }) => find(what).count(),
    texts: ({ what }) => find(what).allInnerTexts(),
    /** The value of an expression in the page. */
    value: ({ expression }) => page.evaluate(expression),
    until: ({ expression }) => page.waitForFunction(expression).then(() => null),
    /** What has the focus, as a person with a screen reader would be told. */
    focus: () => page.evaluate(() => {
        const e = document.activeElement;
        const label = e?.getAttribute("aria-label") ?? e?.labels?.[0]?.innerText ?? e?.innerText ?? "";
        return { tag: e?.tagName.toLowerCase(), name: label.trim(), type: e?.getAttribute("type") };
    }),
    cookies: () => context.cookies(),
    shot: ({ path }) => page.screenshot({ path, fullPage: true, animations: "disabled" }).then(() => null),
    /** Whether something is wider than the window. */
    overflow: () => page.evaluate(() => {
        const wide = document.documentElement.scrollWidth - innerWidth;
        if (wide <= 0) return null;
        const found = [...document.querySelectorAll("body *")].filter((e) =>
            e.getBoundingClientRect().right > innerWidth + 0.5 && !e.closest("[style*=overflow], .table-scroll"));
        return `${wide} px too wide: ${found.slice(0, 4).map((e) => `${e.tagName}.${e.className}`).join(", ")}`;
    }),
    async axe() {
        if (!await page.evaluate(() => "axe" in globalThis)) await inject();
        return page.evaluate(async () => {
            const r = await globalThis.axe.run(document, { resultTypes: ["violations"] });
            return r.violations.map((v) => `${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) =>
                `${n.target.join(" ")} ${(n.any[0] ?? n.all[0] ?? n.none[0])?.message ?? ""}`).join(" | ")}`);
        });
    },
    problems: () => {
        const have = problems;
        problems = [];
        return have;
    },
    quit: () => browser.close(),
};

/** The page's own policy forbids scripts from elsewhere; the inspector's evaluation is exempt. */
async function inject() {
    const { readFileSync } = await import("node:fs");
    await page.evaluate(readFileSync(axe, "utf8"));
}

for await (const line of createInterface({ input: process.stdin })) {
    const { command, ...rest } = JSON.parse(line);
    let answer;
    try {
        answer = { value: (await commands[command](rest)) ?? null };
    } catch (e) {
        answer = { error: String(e.message ?? e).replace(/\u001b\[\d+m/g, "") };
    }
    process.stdout.write(`${JSON.stringify(answer)}\n`);
    if (command === "quit") process.exit(0);
}
