// SPDX-License-Identifier: MIT OR Apache-2.0
import { useQuery } from "@tanstack/react-query";
import type { Schemas } from "../api/client";
import { sessionKey, useNewest } from "../api/live";
import { queries } from "../api/queries";
import { duration, milliseconds, number, rate, t } from "../i18n";
import { Badge, Card, CopyButton, Facts, Figures, PageHead } from "../ui/basic";
import { Empty, Shown } from "../ui/state";

type Session = Schemas["Session"];
type Status = Schemas["Status"];

function SessionCard({ session: s }: { session: Session }) {
    const now = useNewest(sessionKey(s));
    return (
        <Card
            title={s.name || s.client}
            actions={s.live ? <Badge tone="ok">{duration(s.seconds)}</Badge> : <Badge tone="warn">{t("session.resuming")}</Badge>}
        >
            <p className="muted small break">
                {[s.app, s.mode, s.codec, s.encoder].filter(Boolean).join(" · ")}
            </p>
            <Figures items={[
                now && [t("session.fps"), t("session.perSecond", { n: number(now.fps) })],
                [t("session.bitrate"), rate(now?.bitrate_kbps ?? s.bitrate_kbps)],
                now?.loss_percent !== undefined && [t("session.loss"), `${number(now.loss_percent, 1)} %`],
                now && [t("session.rtt"), now.rtt_ms === null || now.rtt_ms === undefined ? "–" : milliseconds(now.rtt_ms)],
            ]} />
        </Card>
    );
}

function HostCard({ status: s }: { status: Status }) {
    return (
        <Card title={t("overview.host")}>
            <Facts items={[
                [t("overview.version"), s.version],
                [t("overview.user"), s.user],
                [t("overview.backend"), s.display_backend],
                [t("overview.port"), s.port],
                [t("overview.uptime"), duration(s.uptime_ms / 1000)],
                [t("overview.paired"), number(s.clients)],
                [t("overview.ended"), number(s.sessions_ended)],
                [t("overview.fingerprint"), <span key="f" className="row"><code className="break">{s.fingerprint}</code><CopyButton text={s.fingerprint} /></span>],
            ]} />
        </Card>
    );
}

export function Overview() {
    const status = useQuery(queries.status);
    return (
        <>
            <PageHead
                title={t("overview.title")}
                lead={status.data && (status.data.sessions.length
                    ? t("overview.streaming", { n: status.data.sessions.length })
                    : t("overview.idle"))}
            />
            <Shown of={status}>
                {(s) => (
                    <div className="stack">
                        {s.notices.map((n) => (
                            <div key={n} className="banner"><div className="break">{n}</div></div>
                        ))}
                        {s.sessions.length ? (
                            <div className="grid">{s.sessions.map((one) => <SessionCard key={sessionKey(one)} session={one} />)}</div>
                        ) : (
                            <Card>
                                <Empty icon="displays" title={t("overview.idle")}>{t("overview.idleMore")}</Empty>
                            </Card>
                        )}
                        <HostCard status={s} />
                    </div>
                )}
            </Shown>
        </>
    );
}
