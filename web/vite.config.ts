// SPDX-License-Identifier: MIT OR Apache-2.0
import { defineConfig } from "vite";

export default defineConfig({
    esbuild: { jsx: "automatic" },
    // `npm run dev` shows the sources live, with the data of the host that runs here.
    server: { fs: { allow: [".."] }, proxy: { "/api": { target: "https://localhost:47990", secure: false } } },
    build: {
        target: "es2022",
        // 5 kB of gzip less than esbuild's.
        minify: "terser",
        terserOptions: { ecma: 2020, module: true, compress: { passes: 3, pure_getters: true } },
        // The host's Content-Security-Policy forbids what is inline.
        assetsInlineLimit: 0,
        modulePreload: { polyfill: false },
        reportCompressedSize: false,
        rollupOptions: {
            // "use client" in TanStack's files means nothing here.
            onwarn(w, warn) {
                if (w.code !== "MODULE_LEVEL_DIRECTIVE") warn(w);
            },
        },
    },
});
