// SPDX-License-Identifier: MIT OR Apache-2.0
// The navigation, in its order. A page has a line here and a route in router.tsx.
import type { Text } from "../i18n";
import type { IconName } from "../ui/icon";

export interface Page {
    to:
        | "/"
        | "/pairing"
        | "/devices"
        | "/displays"
        | "/library"
        | "/performance"
        | "/doctor"
        | "/logs"
        | "/settings";
    icon: IconName;
    text: Text;
}

export const pages: Page[] = [
    { to: "/", icon: "overview", text: "nav.overview" },
    { to: "/pairing", icon: "pairing", text: "nav.pairing" },
    { to: "/devices", icon: "devices", text: "nav.devices" },
    { to: "/displays", icon: "displays", text: "nav.displays" },
    { to: "/library", icon: "library", text: "nav.library" },
    { to: "/performance", icon: "performance", text: "nav.performance" },
    { to: "/doctor", icon: "doctor", text: "nav.doctor" },
    { to: "/logs", icon: "logs", text: "nav.logs" },
    { to: "/settings", icon: "settings", text: "nav.settings" },
];
