// SPDX-License-Identifier: MIT OR Apache-2.0
// The pages. Addresses are behind a # so that the host serves one document and nothing else.
import { createHashHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { Crashed, NotFound } from "../pages/lost";
import { Shell } from "./shell";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound, errorComponent: Crashed });

const overview = createRoute({
    getParentRoute: () => root,
    path: "/",
    component: lazyRouteComponent(() => import("../pages/overview"), "Overview"),
});

const pairing = createRoute({
    getParentRoute: () => root,
    path: "/pairing",
    component: lazyRouteComponent(() => import("../pages/pairing"), "Pairing"),
});

const devices = createRoute({
    getParentRoute: () => root,
    path: "/devices",
    component: lazyRouteComponent(() => import("../pages/devices"), "Devices"),
});

const performance = createRoute({
    getParentRoute: () => root,
    path: "/performance",
    component: lazyRouteComponent(() => import("../pages/performance"), "Performance"),
});

const settings = createRoute({
    getParentRoute: () => root,
    path: "/settings",
    component: lazyRouteComponent(() => import("../pages/settings"), "Settings"),
});

export const router = createRouter({
    routeTree: root.addChildren([overview, pairing, devices, performance, settings]),
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
