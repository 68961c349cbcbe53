// SPDX-License-Identifier: MIT OR Apache-2.0
// The navigation, in its order. A page has a line here and a route in router.tsx.
import type { Text } from "../i18n";
import type { IconName } from "../ui/icon";

export interface Page {
    to: "/" | "/performance";
    icon: IconName;
    text: Text;
}

export const pages: Page[] = [
    { to: "/", icon: "overview", text: "nav.overview" },
    { to: "/performance", icon: "performance", text: "nav.performance" },
];
