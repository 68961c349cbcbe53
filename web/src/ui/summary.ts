// SPDX-License-Identifier: MIT OR Apache-2.0
/** Least, mean and most of what was measured. */
export function summary(values: (number | null)[]): { least: number; mean: number; most: number } | undefined {
    let least = Infinity;
    let most = -Infinity;
    let sum = 0;
    let n = 0;
    for (const v of values) {
        if (v === null) continue;
        least = Math.min(least, v);
        most = Math.max(most, v);
        sum += v;
        n++;
    }
    return n ? { least, mean: sum / n, most } : undefined;
}
