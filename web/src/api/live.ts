// SPDX-License-Identifier: MIT OR Apache-2.0
// The figures of the sessions that live, second by second, as the event `live` brings them.
import { useSyncExternalStore } from "react";
import type { Schemas } from "./client";
import { Ring } from "./ring";

/** Ten minutes. */
export const LIVE_SAMPLES = 600;

export type LiveSession = Schemas["LiveSession"];

export interface LiveSample extends LiveSession {
    /** Milliseconds since 1970. */
    at: number;
}

export function sessionKey(s: { plane: string; id: number }): string {
    return `${s.plane}/${s.id}`;
}

export class Live {
    private rings = new Map<string, Ring<LiveSample>>();
    private seen = new Map<string, LiveSample[]>();
    private watchers = new Set<() => void>();

    /** Sessions that the event no longer names have ended; their samples are kept while the page is open. */
    take(event: Schemas["LiveStats"]) {
        const at = new Date(event.at).getTime();
        for (const s of event.sessions) {
            const key = sessionKey(s);
            let ring = this.rings.get(key);
            if (!ring) {
                ring = new Ring(LIVE_SAMPLES);
                this.rings.set(key, ring);
            }
            if ((ring.last()?.at ?? 0) >= at) continue;
            ring.push({ ...s, at });
            this.seen.delete(key);
        }
        // A host may have had hundreds of sessions since this page was opened.
        while (this.rings.size > 32) {
            const oldest = this.rings.keys().next().value as string;
            this.rings.delete(oldest);
            this.seen.delete(oldest);
        }
        this.watchers.forEach((w) => w());
    }

    /** Oldest first; the same list until the next sample. */
    samples(key: string): LiveSample[] {
        let list = this.seen.get(key);
        if (!list) {
            list = this.rings.get(key)?.list() ?? [];
            this.seen.set(key, list);
        }
        return list;
    }

    subscribe = (watcher: () => void) => {
        this.watchers.add(watcher);
        return () => this.watchers.delete(watcher);
    };
}

export const live = new Live();

export function useSamples(key: string): LiveSample[] {
    return useSyncExternalStore(live.subscribe, () => live.samples(key));
}

export function useNewest(key: string): LiveSample | undefined {
    return useSamples(key).at(-1);
}
