// SPDX-License-Identifier: MIT OR Apache-2.0
import hooks from "eslint-plugin-react-hooks";
import ts from "typescript-eslint";

export default ts.config(
    { ignores: ["src/api/schema.d.ts", "dist", "node_modules"] },
    ...ts.configs.recommended,
    hooks.configs["recommended-latest"],
    {
        rules: {
            eqeqeq: "error",
            "no-console": "error",
            "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_" }],
        },
    },
    { files: ["**/*.mjs"], rules: { "no-console": "off" } },
);
