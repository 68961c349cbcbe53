// SPDX-License-Identifier: MIT OR Apache-2.0
export const doctor = {
    "doc.refresh": ["Check again", "Neu prüfen"],
    "doc.never": ["Nobody has looked yet", "Noch wurde nicht nachgesehen"],
    "doc.neverMore": [
        "A check tries a desk, sound and every encoder. It takes a second, up to a minute.",
        "Eine Prüfung probiert eine Arbeitsfläche, Ton und jeden Encoder. Sie dauert eine Sekunde bis eine Minute.",
    ],
    "doc.running": ["Checking …", "Prüfe …"],
    "doc.at": ["checked {it}", "geprüft {it}"],
    "doc.allGood": ["Nothing is wrong.", "Alles in Ordnung."],
    "doc.sum": [
        "{fail} failed, {warn} with a warning, {ok} good",
        "{fail} fehlgeschlagen, {warn} mit Warnung, {ok} gut",
    ],
    "doc.state.ok": ["good", "gut"],
    "doc.state.warn": ["warning", "Warnung"],
    "doc.state.fail": ["failed", "Fehler"],
    "doc.state.skip": ["skipped", "übersprungen"],
    "doc.cause": ["Cause", "Ursache"],
    "doc.remedy": ["Remedy", "Abhilfe"],
    "doc.good": ["What is good ({n})", "Was gut ist ({n})"],
    "doc.skipped": ["Skipped ({n})", "Übersprungen ({n})"],
} as const satisfies Record<string, readonly [string, string]>;
