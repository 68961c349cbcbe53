// SPDX-License-Identifier: MIT OR Apache-2.0
import { useEffect, useState } from "react";
import { duration } from "../i18n";

/** Now, anew each second. */
export function useNow(): number {
    const [now, set] = useState(Date.now);
    useEffect(() => {
        const timer = setInterval(() => set(Date.now()), 1000);
        return () => clearInterval(timer);
    }, []);
    return now;
}

/** A time that goes on: it was `seconds` at the moment `at` of this browser's clock. */
export function Elapsed({ seconds, at }: { seconds: number; at: number }) {
    const now = useNow();
    return <span className="number">{duration(seconds + Math.max(0, now - at) / 1000)}</span>;
}
