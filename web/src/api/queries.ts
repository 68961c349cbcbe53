// SPDX-License-Identifier: MIT OR Apache-2.0
// What the pages read, one entry per area. The first word of a key is what events.ts marks as
// stale when the host says that it changed.
import { queryOptions } from "@tanstack/react-query";
import { api, take } from "./client";

export const queries = {
    status: queryOptions({ queryKey: ["status"], queryFn: () => take(api.GET("/status")) }),
    host: queryOptions({ queryKey: ["host"], queryFn: () => take(api.GET("/host")) }),
    pairing: queryOptions({ queryKey: ["pairing", "arm"], queryFn: () => take(api.GET("/pair/arm")) }),
    pins: queryOptions({ queryKey: ["pairing", "requests"], queryFn: () => take(api.GET("/pair/requests")) }),
    knocks: queryOptions({ queryKey: ["access"], queryFn: () => take(api.GET("/access/requests")) }),
    clients: queryOptions({ queryKey: ["clients"], queryFn: () => take(api.GET("/clients")) }),
    displays: queryOptions({ queryKey: ["displays"], queryFn: () => take(api.GET("/displays")) }),
    apps: queryOptions({ queryKey: ["apps"], queryFn: () => take(api.GET("/apps")) }),
    settings: queryOptions({ queryKey: ["settings"], queryFn: () => take(api.GET("/settings")) }),
    diagnostics: queryOptions({ queryKey: ["diagnostics"], queryFn: () => take(api.GET("/diagnostics")) }),
    logs: queryOptions({
        queryKey: ["logs"],
        queryFn: () => take(api.GET("/logs", { params: { query: { limit: 1000 } } })),
    }),
    recordings: queryOptions({ queryKey: ["recordings"], queryFn: () => take(api.GET("/stats/recordings")) }),
    // One that has ended does not change; the list says when it is gone.
    recording: (id: number) => queryOptions({
        queryKey: ["recorded", id],
        staleTime: Infinity,
        queryFn: () => take(api.GET("/stats/recordings/{id}", { params: { path: { id } } })),
    }),
};
