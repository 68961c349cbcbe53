// SPDX-License-Identifier: MIT OR Apache-2.0
export const doctor = {
    "doc.refresh": ["Check again", "Neu prüfen"],
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
