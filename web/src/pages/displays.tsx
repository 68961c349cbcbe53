// SPDX-License-Identifier: MIT OR Apache-2.0
// The desks there are, how long they stay, and where the picture comes from.
import { useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, take, type Schemas } from "../api/client";
import { queries } from "../api/queries";
import { number, t } from "../i18n";
import { Badge, Button, Card, Facts, PageHead } from "../ui/basic";
import { Confirm, Wrong } from "../ui/dialog";
import { Check, TextField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Empty, Shown } from "../ui/state";
import { tell } from "../ui/toast";
import { settingText } from "./logic";
import { Around, Countdown, useChange } from "./parts";

type Desk = Schemas["Desk"];

export function Displays() {
    const displays = useQuery({
        ...queries.displays,
        refetchInterval: ({ state: { data: d } }) => (d?.desks.some((x) => x.state !== "live") ? 5000 : 30_000),
    });
    return (
        <>
            <PageHead title={t("nav.displays")} />
            <Shown of={displays}>
                {({ desks, backends }) => (
                    <div className="stack">
                        <Desks desks={desks} readAt={displays.dataUpdatedAt} reread={() => void displays.refetch()} />
                        <Policy />
                        <Backends list={backends} />
                    </div>
                )}
            </Shown>
        </>
    );
}

function Desks({ desks, readAt, reread }: { desks: Desk[]; readAt: number; reread: () => void }) {
    const clients = useQuery(queries.clients);
    const list = useRef<HTMLDivElement>(null);
    const [leaving, setLeaving] = useState<Desk>();
    const release = useChange(
        (d: Desk) => take(api.DELETE("/displays/{id}", { params: { path: { id: d.id } } })),
        "displays",
        "status",
    );
    const deviceOf = (fp: string) => clients.data?.clients.find((c) => c.fingerprint === fp)?.name || fp.slice(0, 16);

    return (
        <Card title={t("disp.desks")}>
            <div ref={list} tabIndex={-1} className="stack">
                {desks.length ? (
                    <ul className="rows">
                        {desks.map((d) => (
                            <li key={d.id}>
                                <div className="stack tight">
                                    <span className="row">
                                        <strong>{d.name}</strong>
                                        <Badge tone={d.state === "live" ? "ok" : "plain"}>
                                            {t(`disp.state.${d.state}`)}
                                        </Badge>
                                        {d.left_s !== null && (
                                            <span className="muted">
                                                <Around
                                                    text="disp.left"
                                                    it={<Countdown left={d.left_s} readAt={readAt} onEnd={reread} />}
                                                />
                                            </span>
                                        )}
                                    </span>
                                    <Facts
                                        items={[
                                            [t("disp.mode"), d.mode],
                                            !!d.client && [t("disp.device"), deviceOf(d.client)],
                                            !!d.app && [t("disp.app"), d.app],
                                            !!d.memory_kib && [
                                                t("disp.memory"),
                                                `${number(Math.round(d.memory_kib / 1024))} MiB`,
                                            ],
                                        ]}
                                    />
                                </div>
                                {(d.state === "kept" || d.state === "spare") && (
                                    <Button
                                        aria-label={t("disp.releaseNamed", { name: d.name })}
                                        onClick={() => setLeaving(d)}
                                    >
                                        {t("disp.release")}
                                    </Button>
                                )}
                            </li>
                        ))}
                    </ul>
                ) : (
                    <Empty icon="displays" title={t("disp.noDesks")}>
                        {t("disp.deskHint")}
                    </Empty>
                )}
            </div>
            {leaving && (
                <Confirm
                    title={t("disp.releaseNamed", { name: leaving.name })}
                    verb={t("disp.release")}
                    danger
                    onClose={() => setLeaving(undefined)}
                    act={() =>
                        release.mutateAsync(leaving).then(() => {
                            tell(t("disp.released", { name: leaving.name }));
                            setTimeout(() => list.current?.focus());
                        })
                    }
                >
                    {t("disp.releaseAsk", { name: leaving.name })}
                </Confirm>
            )}
        </Card>
    );
}

// ---- how long they stay: two of the settings ----

function Policy() {
    const settings = useQuery(queries.settings);
    return (
        <Card title={t("disp.policy")}>
            <Shown of={settings}>
                {({ settings: all }) => {
                    const of = (name: string) => all.find((s) => s.name === name);
                    const keep = of("desk_keep_alive_s");
                    const now = { keep: settingText(keep?.value), spare: settingText(of("spare_desk")?.value) === "yes" };
                    return <PolicyForm key={JSON.stringify(now)} now={now} max={keep?.max ?? 86400} />;
                }}
            </Shown>
        </Card>
    );
}

function PolicyForm({ now, max }: { now: { keep: string; spare: boolean }; max: number }) {
    const [keep, setKeep] = useState(now.keep);
    const [spare, setSpare] = useState(now.spare);
    const save = useChange(
        () =>
            take(
                api.PATCH("/settings", {
                    body: {
                        ...(keep !== now.keep && { desk_keep_alive_s: Number(keep) }),
                        ...(spare !== now.spare && { spare_desk: spare }),
                    },
                }),
            ),
        "settings",
        "displays",
    );
    return (
        <form
            className="stack"
            onSubmit={(e) => {
                e.preventDefault();
                save.mutate(undefined, { onSuccess: () => tell(t("act.saved")) });
            }}
        >
            <div className="narrow">
                <TextField
                    label={t("disp.keep")}
                    type="number"
                    required
                    min={0}
                    max={max}
                    value={keep}
                    onChange={(e) => setKeep(e.target.value)}
                />
            </div>
            <Check label={t("disp.spare")} checked={spare} onChange={(e) => setSpare(e.target.checked)} />
            {save.error && <Wrong error={save.error} />}
            <div className="row">
                <Button
                    type="submit"
                    kind="primary"
                    busy={save.isPending}
                    disabled={keep === now.keep && spare === now.spare}
                >
                    {t("act.save")}
                </Button>
            </div>
        </form>
    );
}

function Backends({ list }: { list: Schemas["Displays"]["backends"] }) {
    return (
        <Card title={t("disp.backends")}>
            <ul className="rows">
                {list.map((b) => (
                    <li key={b.name}>
                        <div className="stack tight">
                            <span className="row">
                                <strong>{b.name}</strong>
                                <Badge tone={b.usable ? "ok" : "bad"}>
                                    <Icon name={b.usable ? "check" : "close"} size={14} />
                                    {t(b.usable ? "disp.usable" : "disp.unusable")}
                                </Badge>
                                {b.chosen && <Badge tone="accent">{t("disp.chosen")}</Badge>}
                            </span>
                            {b.why && <span className="muted break">{b.why}</span>}
                        </div>
                    </li>
                ))}
            </ul>
        </Card>
    );
}
