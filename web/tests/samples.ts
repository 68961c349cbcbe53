// SPDX-License-Identifier: MIT OR Apache-2.0
import type { LiveSession } from "../src/api/live";

const spread = { p50: 1, p99: 2 };

export function session(id: number, fps: number): LiveSession {
    return {
        plane: "native", id, fps, bitrate_kbps: 1000, target_kbps: 1200, loss_percent: 0, parity_percent: 10, rtt_ms: null,
        stages: {
            capture_ms: spread, queue_ms: spread, convert_ms: null, encode_ms: spread, send_ms: spread, total_ms: spread,
        },
        frames_sent: 1, frames_dropped: 0,
    };
}
