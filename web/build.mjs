// SPDX-License-Identifier: MIT OR Apache-2.0
// Builds the console into a directory that the host can serve: fetches the packages of
// package-lock.json if they are not there, bundles, puts a .gz beside each text.
// usage: node build.mjs OUTPUT [DEPFILE]   DEPFILE tells ninja what the output came from.
//        node build.mjs --fetch            the packages only, with those of `npm run check`
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const here = dirname(fileURLToPath(import.meta.url));

function fail(text) {
    console.error(`console: ${text}`);
    process.exit(1);
}

function files(dir) {
    return readdirSync(dir, { withFileTypes: true }).flatMap((e) =>
        e.isDirectory() ? files(join(dir, e.name)) : [join(dir, e.name)]);
}

function fetchPackages(withChecks) {
    const lock = createHash("sha256").update(readFileSync(join(here, "package-lock.json"))).digest("hex");
    const stamp = join(here, "node_modules", ".punktfunk");
    const have = existsSync(stamp) ? readFileSync(stamp, "utf8") : "";
    // Who once had the checks keeps them.
    withChecks ||= have.endsWith(" all");
    if (have === `${lock} all` || (have === `${lock} build` && !withChecks)) return;
    const some = withChecks ? [] : ["--omit=dev"];
    const npm = spawnSync("npm", ["ci", "--no-progress", ...some], { cwd: here, encoding: "utf8" });
    if (npm.status !== 0) {
        const said = (npm.stderr || String(npm.error ?? "")).split("\n").filter((l) => /^npm err/i.test(l));
        console.error(said.slice(0, 8).join("\n"));
        fail("npm cannot fetch the packages that web/package-lock.json names. Is the network there?\n" +
            "console: to build without the web console: meson configure BUILD-DIRECTORY -Dconsole=disabled");
    }
    writeFileSync(stamp, `${lock} ${withChecks ? "all" : "build"}`);
}

if (process.argv[2] === "--fetch") {
    fetchPackages(true);
    process.exit(0);
}
const [output, depfile] = process.argv.slice(2).map((p) => resolve(p));
if (!output) fail("usage: node build.mjs OUTPUT [DEPFILE]");
fetchPackages(false);

const { build } = await import("vite");
rmSync(output, { recursive: true, force: true });
await build({ root: here, logLevel: "warn", build: { outDir: output, emptyOutDir: true } });
for (const f of files(output)) {
    if (/\.(js|css|html|svg)$/.test(f)) writeFileSync(`${f}.gz`, gzipSync(readFileSync(f), { level: 9 }));
}
if (depfile) {
    const inputs = ["index.html", "build.mjs", "package.json", "package-lock.json", "vite.config.ts"]
        .map((f) => join(here, f)).concat(files(join(here, "src")), files(join(here, "public")))
        .filter((f) => !f.endsWith("schema.d.ts"));
    const quoted = inputs.map((f) => f.replaceAll(" ", "\\ "));
    writeFileSync(depfile, `${process.argv[2].replaceAll(" ", "\\ ")}: ${quoted.join(" ")}\n`);
}
