// SPDX-License-Identifier: MIT OR Apache-2.0
// Short words about what was done. What went wrong stays until it is dismissed.
import { useEffect, useSyncExternalStore } from "react";
import { t } from "../i18n";
import { IconButton } from "./basic";
import { wordsOf } from "./state";

interface Toast {
    id: number;
    bad: boolean;
    title: string;
    more?: string;
}

const SHOWN_MS = 5000;
const AT_MOST = 4;
let toasts: Toast[] = [];
let next = 1;
const watchers = new Set<() => void>();

function set(to: Toast[]) {
    toasts = to;
    watchers.forEach((w) => w());
}

function add(toast: Omit<Toast, "id">) {
    const same = toasts.filter((o) => o.title !== toast.title || o.more !== toast.more);
    set([...same, { ...toast, id: next++ }].slice(-AT_MOST));
}

export function tell(title: string) {
    add({ bad: false, title });
}

export function tellError(error: unknown, title = t("state.failed")) {
    add({ bad: true, title, more: wordsOf(error) });
}

function One({ toast }: { toast: Toast }) {
    const drop = () => set(toasts.filter((o) => o.id !== toast.id));
    useEffect(() => {
        if (toast.bad) return;
        const timer = setTimeout(() => set(toasts.filter((o) => o.id !== toast.id)), SHOWN_MS);
        return () => clearTimeout(timer);
    }, [toast]);
    return (
        <div className={toast.bad ? "toast bad" : "toast"} role={toast.bad ? "alert" : undefined}>
            <div>
                {toast.more ? <strong>{toast.title}</strong> : toast.title}
                {toast.more && <div className="muted small">{toast.more}</div>}
            </div>
            <IconButton icon="close" label={t("act.dismiss")} onClick={drop} />
        </div>
    );
}

export function Toasts() {
    const list = useSyncExternalStore(
        (w) => {
            watchers.add(w);
            return () => watchers.delete(w);
        },
        () => toasts,
    );
    return (
        <div className="toasts" role="status">
            {list.map((toast) => <One key={toast.id} toast={toast} />)}
        </div>
    );
}
