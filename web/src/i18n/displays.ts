// SPDX-License-Identifier: MIT OR Apache-2.0
export const displays = {
    "disp.desks": ["Desks", "Arbeitsflächen"],
    "disp.deskHint": [
        "A desk is the private screen of one device.",
        "Eine Arbeitsfläche ist der private Bildschirm eines Geräts.",
    ],
    "disp.noDesks": ["There is no desk now.", "Gerade gibt es keine Arbeitsfläche."],
    "disp.state.live": ["live", "aktiv"],
    "disp.state.kept": ["kept", "behalten"],
    "disp.state.spare": ["spare", "Reserve"],
    "disp.state.opening": ["opening", "wird geöffnet"],
    "disp.state.closing": ["closing", "wird geschlossen"],
    "disp.left": ["{it} left", "noch {it}"],
    "disp.device": ["Device", "Gerät"],
    "disp.mode": ["Mode", "Modus"],
    "disp.app": ["App", "App"],
    "disp.memory": ["Memory", "Speicher"],
    "disp.release": ["Release", "Freigeben"],
    "disp.releaseNamed": ["Release {name}", "{name} freigeben"],
    "disp.releaseAsk": [
        "What runs on {name} ends; unsaved work is lost.",
        "Was auf {name} läuft, wird beendet; Ungespeichertes geht verloren.",
    ],
    "disp.released": ["{name} is released.", "{name} ist freigegeben."],
    "disp.policy": ["Keeping desks", "Arbeitsflächen behalten"],
    "disp.keep": [
        "Seconds that a desk stays after its device is gone",
        "Sekunden, die eine Arbeitsfläche bleibt, wenn ihr Gerät weg ist",
    ],
    "disp.spare": [
        "Keep an empty desk ready for the next device",
        "Eine leere Arbeitsfläche für das nächste Gerät bereithalten",
    ],
    "disp.backends": ["Where the picture comes from", "Woher das Bild kommt"],
    "disp.chosen": ["chosen", "gewählt"],
    "disp.usable": ["usable", "nutzbar"],
    "disp.unusable": ["not usable", "nicht nutzbar"],
} as const satisfies Record<string, readonly [string, string]>;
