// SPDX-License-Identifier: MIT OR Apache-2.0
// What this browser remembers: language and appearance. theme.js applies the latter.
import { useState } from "react";
import { setLanguage, t, useLanguage } from "../i18n";
import { Choice } from "../ui/basic";

type Theme = "system" | "light" | "dark";

function stored(): Theme {
    const s = localStorage.getItem("pf-theme");
    return s === "light" || s === "dark" ? s : "system";
}

/** theme.js looks anew on this event; then charts, which read their colours from the page, draw anew. */
export const THEME_EVENT = "pf-theme";

export function ThemeChoice() {
    const [theme, set] = useState(stored);
    return (
        <Choice
            label={t("app.theme")}
            value={theme}
            options={[["system", t("app.theme.system")], ["light", t("app.theme.light")], ["dark", t("app.theme.dark")]]}
            onChange={(to) => {
                set(to);
                if (to === "system") localStorage.removeItem("pf-theme");
                else localStorage.setItem("pf-theme", to);
                window.dispatchEvent(new Event(THEME_EVENT));
            }}
        />
    );
}

export function LanguageChoice() {
    const language = useLanguage();
    return (
        <Choice
            label={t("app.language")}
            value={language}
            options={[["en", "English"], ["de", "Deutsch"]]}
            onChange={setLanguage}
        />
    );
}
