// SPDX-License-Identifier: MIT OR Apache-2.0
// What the host found out about its machine, with what mends it.
import { useQuery } from "@tanstack/react-query";
import { api, take, type Schemas } from "../api/client";
import { queries } from "../api/queries";
import { t } from "../i18n";
import { Badge, Button, Command, Facts, PageHead, type Tone } from "../ui/basic";
import { Wrong } from "../ui/dialog";
import { Icon, type IconName } from "../ui/icon";
import { Empty, Loading, Shown } from "../ui/state";
import { Around, useChange, When } from "./parts";

type Found = Schemas["Diagnostics"]["checks"][number];

const LOOKS: Record<Found["state"], [Tone, IconName]> = {
    fail: ["bad", "close"],
    warn: ["warn", "alert"],
    ok: ["ok", "check"],
    skip: ["plain", "info"],
};

export function Doctor() {
    const diagnostics = useQuery({
        ...queries.diagnostics,
        refetchInterval: ({ state: { data: d } }) => (d?.running ? 1000 : false),
    });
    const refresh = useChange(() => take(api.POST("/diagnostics/refresh", { body: {} })), "diagnostics");
    const at = diagnostics.data?.at;
    const running = refresh.isPending || diagnostics.data?.running;
    return (
        <>
            <PageHead
                title={t("nav.doctor")}
                lead={at && <Around text="doc.at" it={<When time={at} />} />}
                actions={
                    <Button kind="primary" icon="refresh" busy={running} onClick={() => refresh.mutate(undefined)}>
                        {t(running ? "doc.running" : "doc.refresh")}
                    </Button>
                }
            />
            {refresh.error && <Wrong error={refresh.error} />}
            <Shown of={diagnostics}>
                {({ checks }) =>
                    checks.length ? (
                        <Findings checks={checks} />
                    ) : running ? (
                        <Loading />
                    ) : (
                        <Empty icon="doctor" title={t("doc.never")}>
                            {t("doc.neverMore")}
                        </Empty>
                    )
                }
            </Shown>
        </>
    );
}

function Findings({ checks }: { checks: Found[] }) {
    const of = (state: Found["state"]) => checks.filter((c) => c.state === state);
    const [fail, warn, ok, skip] = [of("fail"), of("warn"), of("ok"), of("skip")];
    return (
        <div className="stack">
            <p role="status">
                {fail.length + warn.length
                    ? t("doc.sum", { fail: fail.length, warn: warn.length, ok: ok.length })
                    : t("doc.allGood")}
            </p>
            {[...fail, ...warn].map((c) => (
                <section key={c.id} className="card stack" aria-labelledby={`check-${c.id}`}>
                    <h2 id={`check-${c.id}`} className="row">
                        <State state={c.state} /> {c.title}
                    </h2>
                    <Facts
                        items={[!!c.cause && [t("doc.cause"), c.cause], !!c.remedy && [t("doc.remedy"), c.remedy]]}
                    />
                    {c.command && <Command>{c.command}</Command>}
                </section>
            ))}
            <Rest title={t("doc.good", { n: ok.length })} checks={ok} />
            <Rest title={t("doc.skipped", { n: skip.length })} checks={skip} />
        </div>
    );
}

function State({ state }: { state: Found["state"] }) {
    const [tone, icon] = LOOKS[state];
    return (
        <Badge tone={tone}>
            <Icon name={icon} size={14} /> {t(`doc.state.${state}`)}
        </Badge>
    );
}

function Rest({ title, checks }: { title: string; checks: Found[] }) {
    if (!checks.length) return null;
    return (
        <details className="card more">
            <summary>{title}</summary>
            <ul className="rows">
                {checks.map((c) => (
                    <li key={c.id}>
                        <div>
                            <State state={c.state} /> {c.title}
                            {c.cause && <p className="muted break">{c.cause}</p>}
                        </div>
                    </li>
                ))}
            </ul>
        </details>
    );
}
