// SPDX-License-Identifier: MIT OR Apache-2.0
import { Link, type ErrorComponentProps } from "@tanstack/react-router";
import { t } from "../i18n";
import { PageHead } from "../ui/basic";
import { Failed } from "../ui/state";

export function NotFound() {
    return (
        <>
            <PageHead title={t("state.notFound")} />
            <Link to="/" className="button">{t("state.toOverview")}</Link>
        </>
    );
}

/** A fault of the console itself; the rest of it goes on. */
export function Crashed({ error, reset }: ErrorComponentProps) {
    return <Failed error={error} title={t("state.crashed")} retry={reset} />;
}
