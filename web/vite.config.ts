// SPDX-License-Identifier: MIT OR Apache-2.0
import { defineConfig } from "vite";

export default defineConfig({
    esbuild: { jsx: "automatic" },
    // React's interface, a tenth of its size: with react-dom the console would weigh 35 kB more.
    resolve: {
        alias: [
            { find: /^react(-dom)?$/, replacement: "preact/compat" },
            { find: "react-dom/client", replacement: "preact/compat/client" },
            { find: "react/jsx-runtime", replacement: "preact/jsx-runtime" },
        ],
    },
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
