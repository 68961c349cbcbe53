// SPDX-License-Identifier: MIT OR Apache-2.0
// The pages. Addresses are behind a # so that the host serves one document and nothing else.
// Only the charts are fetched when they are wanted: together the others pack smaller.
import { createHashHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { Devices } from "../pages/devices";
import { Displays } from "../pages/displays";
import { Doctor } from "../pages/doctor";
import { Library } from "../pages/library";
import { Logs } from "../pages/logs";
import { Crashed, NotFound } from "../pages/lost";
import { Overview } from "../pages/overview";
import { Pairing } from "../pages/pairing";
import { Settings } from "../pages/settings";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Crashed });
const getParentRoute = () => root;

const routes = [
    createRoute({ getParentRoute, path: "/", component: Overview }),
    createRoute({ getParentRoute, path: "/pairing", component: Pairing }),
    createRoute({ getParentRoute, path: "/devices", component: Devices }),
    createRoute({ getParentRoute, path: "/displays", component: Displays }),
    createRoute({ getParentRoute, path: "/library", component: Library }),
    createRoute({
        getParentRoute,
        path: "/performance",
        component: lazyRouteComponent(() => import("../pages/performance"), "Performance"),
    }),
    createRoute({ getParentRoute, path: "/doctor", component: Doctor }),
    createRoute({ getParentRoute, path: "/logs", component: Logs }),
    createRoute({ getParentRoute, path: "/settings", component: Settings }),
] as const;

export const router = createRouter({
    routeTree: root.addChildren(routes),
    history: createHashHistory(),
    defaultErrorComponent: Crashed,
    defaultPreload: "intent",
    scrollRestoration: true,
});

declare module "@tanstack/react-router" {
    interface Register {
        router: typeof router;
    }
}
