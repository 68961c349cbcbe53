// SPDX-License-Identifier: MIT OR Apache-2.0
// Line icons on a grid of 24, drawn for this console.
const shapes = {
    overview: "M4 13h6V4H4zM14 20h6v-9h-6zM14 4v3h6V4zM4 17v3h6v-3z",
    pairing: "M9 15l6-6M10.5 6.5l1.8-1.8a4.2 4.2 0 0 1 6 6l-1.8 1.8M13.5 17.5l-1.8 1.8a4.2 4.2 0 0 1-6-6l1.8-1.8",
    devices: "M3 6h12v9H3zM1.5 18.5h11M17 9.5h4.5v10H17zM19 17h.5",
    displays: "M3 5h18v11H3zM9 20h6M12 16v4",
    library: "M4 4h6.5v6.5H4zM13.5 4H20v6.5h-6.5zM4 13.5h6.5V20H4zM13.5 13.5H20V20h-6.5z",
    performance: "M3 19h18M4 15l4.5-5 4 3L20 5",
    doctor: "M3 12h4l2.5-6 4.5 12 2.5-6h4.5",
    logs: "M5 6h14M5 12h14M5 18h9",
    settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8v4.4M9 14.8v4.4",
    menu: "M4 7h16M4 12h16M4 17h16",
    close: "M6 6l12 12M18 6L6 18",
    copy: "M9 9h10v11H9zM5 15V4h10",
    check: "M5 12.5l4.5 4.5L19 7.5",
    alert: "M12 4L2.5 20h19zM12 10v4.5M12 17.3v.2",
    info: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 11v5.5M12 7.6v.2",
    stop: "M7 7h10v10H7z",
    refresh: "M19.5 9A8 8 0 1 0 20 13.5M20 4.5V9h-4.5",
    play: "M8 5.5v13l10.5-6.5z",
    plus: "M12 5v14M5 12h14",
    trash: "M4.5 7h15M9.5 7V4.5h5V7M6.5 7l1 13h9l1-13M10.5 11v5.5M13.5 11v5.5",
    edit: "M4 20l1-4.5L16.5 4l3.5 3.5L8.5 19z",
    eye: "M2 12s3.6-6.5 10-6.5S22 12 22 12s-3.6 6.5-10 6.5S2 12 2 12M12 15a3 3 0 1 0 0-6 3 3 0 0 0 0 6",
    key: "M8 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9M12.5 12H22M18.5 12v3.5M15.5 12v2.5",
    signOut: "M14 4H5v16h9M10 12h11M17.5 8l4 4-4 4",
    offline: "M3 3l18 18M5 12.5a10 10 0 0 1 4-2.5M19 12.5a10 10 0 0 0-4.5-2.7M8.5 16a5 5 0 0 1 6 -.6M12 19.7v.1M2 8.5a15 15 0 0 1 4-2.4M22 8.5A15 15 0 0 0 11 5",
    gamepad: "M8 8h8a5 5 0 0 1 5 5.5c0 3-2.5 4.5-4.5 2.5L15 14.5H9L7.5 16C5.5 18 3 16.5 3 13.5A5 5 0 0 1 8 8M8 10.5v2.5M6.7 11.7h2.6M16 11.7h.1",
    image: "M4 5h16v14H4zM4 16l4.5-4.5 4 4 3-3L20 17M9 9.5h.1",
    clock: "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18M12 7v5.2l3.5 2",
    download: "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M5 20h14",
} as const;

export type IconName = keyof typeof shapes;

export function Icon({ name, size = 20 }: { name: IconName; size?: number }) {
    return (
        <svg
            width={size}
            height={size}
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            strokeWidth={1.7}
            strokeLinecap="round"
            strokeLinejoin="round"
            aria-hidden="true"
            focusable="false"
        >
            <path d={shapes[name]} />
        </svg>
    );
}

export function Mark({ size = 24 }: { size?: number }) {
    return (
        <svg width={size} height={size} viewBox="0 0 32 32" fill="none" aria-hidden="true" focusable="false"
            stroke="currentColor" strokeWidth={3} strokeLinecap="round">
            <circle cx={8} cy={24} r={4} fill="currentColor" stroke="none" />
            <path d="M8 13a11 11 0 0 1 11 11M8 4.5a19.5 19.5 0 0 1 19.5 19.5" />
        </svg>
    );
}
