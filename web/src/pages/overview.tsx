// SPDX-License-Identifier: MIT OR Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { sessionKey } from "../api/live";
import type { Schemas } from "../api/client";
import { queries } from "../api/queries";
import { number, t } from "../i18n";
import { Badge, Card, CopyButton, Facts, PageHead } from "../ui/basic";
import { Elapsed } from "../ui/elapsed";
import { Icon } from "../ui/icon";
import { Empty, Shown } from "../ui/state";
import { SessionCard } from "./session";

type Status = Schemas["Status"];

function Attention({ status: s }: { status: Status }) {
    const waiting = [
        s.access_requests > 0 && t("overview.knocks", { n: s.access_requests }),
        s.pair_requests > 0 && t("overview.pins", { n: s.pair_requests }),
    ].filter((w) => w !== false);
    if (!waiting.length && !s.notices.length) return null;
    return (
        <Card title={t("overview.attention")}>
            <ul className="notes">
                {waiting.map((w) => (
                    <li key={w}>
                        <Icon name="pairing" />
                        <span>{w}</span>
                        <a href="#/pairing" className="button small">{t("overview.look")}</a>
                    </li>
                ))}
                {s.notices.map((n) => (
                    <li key={n}>
                        <Icon name="alert" />
                        <span className="break">{n}</span>
                    </li>
                ))}
            </ul>
        </Card>
    );
}

function HostCard({ status: s, at }: { status: Status; at: number }) {
    const host = useQuery(queries.host);
    const h = host.data;
    return (
        <Card title={h?.name ?? t("overview.host")}>
            <div className="columns">
                <Facts items={[
                    [t("overview.version"), s.version],
                    h && [t("overview.system"), `${h.os}, ${h.kernel}`],
                    [t("overview.user"), s.user],
                    [t("overview.uptime"), <Elapsed key="u" seconds={s.uptime_ms / 1000} at={at} />],
                    [t("overview.ended"), number(s.sessions_ended)],
                    [t("overview.paired"), number(s.clients)],
                ]} />
                <Facts items={[
                    [t("overview.backend"), s.display_backend],
                    h && [t("overview.encoders"), (
                        <ul className="plain" key="e">
                            {h.encoders.map((e) => (
                                <li key={e.name}>
                                    {e.name}{" "}
                                    <span className="muted">{e.codecs.join(", ")}</span>{" "}
                                    {e.hardware && <Badge tone="ok">{t("overview.hardware")}</Badge>}
                                </li>
                            ))}
                        </ul>
                    )],
                    [t("overview.port"), (
                        <span key="p">
                            {s.port}
                            {h?.ports.gamestream !== undefined && `, Moonlight ${h.ports.gamestream}`}
                        </span>
                    )],
                    [t("overview.fingerprint"), (
                        <span key="f" className="with-button">
                            <code className="break small">{s.fingerprint}</code>
                            <CopyButton text={s.fingerprint} />
                        </span>
                    )],
                ]} />
            </div>
        </Card>
    );
}

export function Overview() {
    const status = useQuery(queries.status);
    const streaming = status.data?.sessions.filter((s) => s.live).length ?? 0;
    return (
        <>
            <PageHead
                title={t("overview.title")}
                lead={status.data && (streaming ? t("overview.streaming", { n: streaming }) : t("overview.idle"))}
            />
            <Shown of={status}>
                {(s) => (
                    <div className="stack">
                        <Attention status={s} />
                        {s.sessions.length ? (
                            <section className="grid" aria-label={t("overview.sessions")}>
                                {s.sessions.map((one) => (
                                    <SessionCard key={sessionKey(one)} session={one} at={status.dataUpdatedAt} />
                                ))}
                            </section>
                        ) : (
                            <Card><Empty icon="displays" title={t("overview.idle")}>{t("overview.idleMore")}</Empty></Card>
                        )}
                        <HostCard status={s} at={status.dataUpdatedAt} />
                    </div>
                )}
            </Shown>
        </>
    );
}
