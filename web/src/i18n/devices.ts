// SPDX-License-Identifier: MIT OR Apache-2.0
export const devices = {
    "dev.empty": ["No device is paired yet.", "Noch ist kein Gerät gekoppelt."],
    "dev.pair": ["Pair a device", "Gerät koppeln"],
    "dev.name": ["Device", "Gerät"],
    "dev.rights": ["Rights", "Rechte"],
    "dev.expires": ["Access ends", "Zugriff endet"],
    "dev.seen": ["Last seen", "Zuletzt gesehen"],
    "dev.actions": ["Actions", "Aktionen"],
    "dev.live": ["streams now", "streamt gerade"],
    "dev.never": ["never", "nie"],
    "dev.fileHint": [
        "Devices of the file allowed_clients are edited there.",
        "Geräte der Datei allowed_clients werden dort bearbeitet.",
    ],
    "dev.paired": ["Paired", "Gekoppelt"],
    "dev.saved": ["{name} is changed. It counts at once.", "{name} ist geändert. Es gilt sofort."],
    "dev.unpair": ["Unpair", "Entkoppeln"],
    "dev.unpairNamed": ["Unpair {name}", "{name} entkoppeln"],
    "dev.unpairAsk": [
        "{name} loses its access and must pair anew to come back.",
        "{name} verliert den Zugriff und muss neu gekoppelt werden, um wiederzukommen.",
    ],
    "dev.unpairLive": ["Its stream ends at once.", "Der laufende Stream endet sofort."],
    "dev.unpaired": ["{name} is unpaired.", "{name} ist entkoppelt."],
} as const satisfies Record<string, readonly [string, string]>;
