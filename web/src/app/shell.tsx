// SPDX-License-Identifier: MIT OR Apache-2.0
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { Link, Outlet, useRouterState } from "@tanstack/react-router";
import { useEffect, useRef, useState } from "react";
import { useLink } from "../api/events";
import { signOut } from "../api/login";
import { queries } from "../api/queries";
import { t, useLanguage } from "../i18n";
import { Button, IconButton } from "../ui/basic";
import { Icon, Mark } from "../ui/icon";
import { tell, tellError } from "../ui/toast";
import { pages } from "./pages";

/** Shorter gaps than this are not worth a word. */
const LOST_AFTER_MS = 1500;

/** Whether the host has been gone for a while; says so when it is back. */
function useLost(): boolean {
    const link = useLink();
    const [lost, setLost] = useState(false);
    const was = useRef(false);
    useEffect(() => {
        if (link === "lost") {
            const timer = setTimeout(() => {
                was.current = true;
                setLost(true);
            }, LOST_AFTER_MS);
            return () => clearTimeout(timer);
        }
        if (link === "open") {
            if (was.current) tell(t("link.back"));
            was.current = false;
            setLost(false);
        }
    }, [link]);
    return lost;
}

function Brand() {
    return (
        <Link to="/" className="brand">
            <Mark />
            punktfunk
        </Link>
    );
}

export function Shell() {
    useLanguage();
    const client = useQueryClient();
    const lost = useLost();
    const link = useLink();
    const status = useQuery(queries.status);
    const [open, setOpen] = useState(false);
    const path = useRouterState({ select: (s) => s.location.pathname });
    useEffect(() => setOpen(false), [path]);
    const waiting = (status.data?.pair_requests ?? 0) + (status.data?.access_requests ?? 0);

    return (
        <div className="shell">
            <a className="skip" href="#main" onClick={(e) => {
                // The address belongs to the router.
                e.preventDefault();
                document.getElementById("main")?.focus();
            }}>{t("app.skip")}</a>
            <header className="topbar">
                <Brand />
                <IconButton icon={open ? "close" : "menu"} label={t("app.menu")} aria-expanded={open}
                    aria-controls="side" onClick={() => setOpen(!open)} />
            </header>
            <aside className={open ? "side open" : "side"} id="side" aria-label={t("app.menu")}
                onKeyDown={(e) => e.key === "Escape" && setOpen(false)}>
                <Brand />
                <nav className="nav" aria-label={t("app.nav")}>
                    {pages.map((p) => (
                        <Link key={p.to} to={p.to} activeOptions={{ exact: p.to === "/" }} activeProps={{ "aria-current": "page" }}>
                            <Icon name={p.icon} />
                            {t(p.text)}
                            {p.icon === "pairing" && waiting > 0 && <span className="badge accent count">{waiting}</span>}
                        </Link>
                    ))}
                </nav>
                <div className="side-end">
                    <div className="link-state">
                        <span className={`dot ${link === "open" ? "ok" : link === "lost" ? "bad" : "warn"}`} />
                        {t(`link.${link}`)}
                    </div>
                    <Button kind="quiet" icon="signOut" onClick={() => void signOut(client).catch((e: unknown) => tellError(e))}>{t("app.signOut")}</Button>
                </div>
            </aside>
            <main className="main" id="main" tabIndex={-1}>
                <div role="status">
                    {lost && (
                        <div className="banner">
                            <Icon name="offline" />
                            <div>
                                <strong>{t("link.lost")}</strong>
                                <div>{t("link.lostMore")}</div>
                            </div>
                        </div>
                    )}
                </div>
                <Outlet />
            </main>
        </div>
    );
}
