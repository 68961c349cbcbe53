// SPDX-License-Identifier: MIT OR Apache-2.0
// The host's events, written into the query cache: "X.changed" makes what was read of X stale,
// `live` feeds the charts. EventSource resumes by itself where the line was lost; where the host
// refused (it is starting, or no longer knows this browser) we ask again.
import type { QueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import type { Schemas } from "./client";
import { live } from "./live";
import { Ring } from "./ring";

export type Link = "connecting" | "open" | "lost";

export type LogLine = Schemas["LogLines"]["lines"][number];

type Stale = Exclude<keyof Schemas["Events"], "live" | "log" | "reset">;

/** What an event makes stale: first words of query keys. */
export const STALE: Record<Stale, string[]> = {
    "session.started": ["status", "live", "displays"],
    "session.ended": ["status", "live", "displays"],
    "session.changed": ["status"],
    "game.started": ["status", "displays"],
    "game.ended": ["status", "displays"],
    "pairing.changed": ["pairing", "status"],
    "access.changed": ["access", "status"],
    "clients.changed": ["clients", "status"],
    "displays.changed": ["displays"],
    "apps.changed": ["apps"],
    "settings.changed": ["settings", "status"],
    "diagnostics.changed": ["diagnostics"],
    "recordings.changed": ["recordings"],
};

const RETRY_FIRST_MS = 1000;
const RETRY_MOST_MS = 10_000;

const linkWatchers = new Set<() => void>();
let linkState: Link = "connecting";

function setLink(to: Link) {
    if (to === linkState) return;
    linkState = to;
    linkWatchers.forEach((w) => w());
}

export function useLink(): Link {
    return useSyncExternalStore(
        (w) => {
            linkWatchers.add(w);
            return () => linkWatchers.delete(w);
        },
        () => linkState,
    );
}

/** Log lines that came while the console was open. */
export const logLines = new Ring<LogLine>(2000);
const logWatchers = new Set<() => void>();
let logSeen: LogLine[] = [];

export function useLogLines(): LogLine[] {
    return useSyncExternalStore(
        (w) => {
            logWatchers.add(w);
            return () => logWatchers.delete(w);
        },
        () => logSeen,
    );
}

/** One event into the cache. */
export function apply(client: QueryClient, name: string, data: unknown) {
    if (name === "live") {
        live.take(data as Schemas["LiveStats"]);
        client.setQueryData(["live"], data);
    } else if (name === "log") {
        (data as Schemas["LogLines"]).lines.forEach((l) => logLines.push(l));
        logSeen = logLines.list();
        logWatchers.forEach((w) => w());
    } else if (name === "reset") {
        stale(client);
    } else {
        for (const word of STALE[name as Stale] ?? []) void client.invalidateQueries({ queryKey: [word] });
    }
}

function stale(client: QueryClient) {
    void client.invalidateQueries({ predicate: (q) => q.queryKey[0] !== "login" });
}

/** Listens until the function that it returns is called. */
export function listen(client: QueryClient, url = "/api/v1/events"): () => void {
    let source: EventSource | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wait = RETRY_FIRST_MS;
    let last = "";
    let missed = false;

    const open = () => {
        // A new EventSource knows nothing of the one before.
        source = new EventSource(last ? `${url}?after=${encodeURIComponent(last)}` : url);
        source.onopen = () => {
            wait = RETRY_FIRST_MS;
            setLink("open");
            // The host may be another one since: its ids then mean nothing.
            if (missed) stale(client);
            missed = false;
        };
        source.onerror = () => {
            missed = true;
            setLink("lost");
            if (source?.readyState !== EventSource.CLOSED) return;
            source.close();
            timer = setTimeout(open, wait);
            wait = Math.min(wait * 2, RETRY_MOST_MS);
            // 401 looks like any other refusal here; this asks who we are.
            void client.invalidateQueries({ queryKey: ["login"] });
        };
        for (const name of [...Object.keys(STALE), "live", "log", "reset"]) {
            source.addEventListener(name, (e: MessageEvent<string>) => {
                if (e.lastEventId) last = e.lastEventId;
                apply(client, name, JSON.parse(e.data || "{}"));
            });
        }
    };
    open();
    return () => {
        clearTimeout(timer);
        source?.close();
        setLink("connecting");
    };
}
