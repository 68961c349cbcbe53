// SPDX-License-Identifier: MIT OR Apache-2.0
// What a page shows where there is nothing to show.
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { ApiError } from "../api/client";
import { t } from "../i18n";
import { Button } from "./basic";
import { Icon, type IconName } from "./icon";

export function Empty({ icon, title, children, action }: {
    icon: IconName;
    title: string;
    children?: ReactNode;
    action?: ReactNode;
}) {
    return (
        <div className="state">
            <Icon name={icon} size={32} />
            <p className="state-title">{title}</p>
            {children && <p>{children}</p>}
            {action}
        </div>
    );
}

/** The API's own words; they are English. */
export function wordsOf(error: unknown): string {
    if (error instanceof ApiError && error.status === 0) return t("state.unreachable");
    return error instanceof Error ? error.message : String(error);
}

export function Failed({ error, title, retry }: { error: unknown; title?: string; retry?: () => void }) {
    return (
        <div className="state bad" role="alert">
            <Icon name="alert" size={32} />
            <p className="state-title">{title ?? t("state.loadFailed")}</p>
            <p>{wordsOf(error)}</p>
            {retry && <Button icon="refresh" onClick={retry}>{t("state.retry")}</Button>}
        </div>
    );
}

export function Loading() {
    return (
        <div className="skeleton" role="status">
            <span />
            <span />
            <span />
            <p className="hidden">{t("state.loading")}</p>
        </div>
    );
}

/** The data of a query once it is there; what was read before stays while it is read anew. */
export function Shown<T>({ of, children }: { of: UseQueryResult<T>; children: (data: T) => ReactNode }) {
    if (of.data !== undefined) return children(of.data);
    if (of.isError) return <Failed error={of.error} retry={() => void of.refetch()} />;
    return <Loading />;
}
