// SPDX-License-Identifier: MIT OR Apache-2.0
// Figures that were kept, one or two of them as charts over the seconds since each began.
import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useMemo, useState } from "react";
import { api, take, type Schemas } from "../api/client";
import { queries } from "../api/queries";
import { dateTime, duration, t } from "../i18n";
import { Badge, Button, Card, IconButton } from "../ui/basic";
import { Confirm, Dialog, Wrong } from "../ui/dialog";
import { Check, TextField } from "../ui/field";
import { Empty, Failed, Loading, Shown } from "../ui/state";
import { Table } from "../ui/table";
import { tell, tellError } from "../ui/toast";
import { Charts } from "./performance-charts";
import { runsOf } from "./performance-data";

type Recording = Schemas["Recording"];

const AT_ONCE = 2;

function StartDialog({ onClose, done }: { onClose: () => void; done: () => void }) {
    const [name, setName] = useState("");
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const start = async () => {
        setBusy(true);
        try {
            const given = name.trim();
            await take(api.POST("/stats/recordings", { body: given ? { name: given } : {} }));
            tell(t("rec.started"));
            done();
            onClose();
        } catch (e) {
            setError(e);
            setBusy(false);
        }
    };
    return (
        <Dialog title={t("rec.start")} onClose={onClose} onSubmit={() => void start()}
            footer={
                <>
                    <Button onClick={onClose}>{t("act.cancel")}</Button>
                    <Button type="submit" kind="primary" busy={busy}>{t("rec.start")}</Button>
                </>
            }>
            <TextField label={t("rec.name")} help={t("rec.nameHelp")} maxLength={64} value={name}
                onChange={(e) => setName(e.target.value)} />
            {error !== undefined && <Wrong error={error} />}
        </Dialog>
    );
}

function Compared({ ids }: { ids: number[] }) {
    const got = useQueries({ queries: ids.map((id) => queries.recording(id)) });
    const loaded = got.map((g) => g.data);
    // The queries are new objects each time; what they read is not.
    const runs = useMemo(() => {
        const each = loaded.flatMap((r) => (r ? [runsOf(r)] : []));
        return each.length > 1 ? each.flatMap((r) => r.slice(0, 1)) : (each[0] ?? []).slice(0, AT_ONCE);
        // eslint-disable-next-line react-hooks/exhaustive-deps
    }, loaded);
    const failed = got.find((g) => g.isError);
    if (failed) return <Failed error={failed.error} retry={() => void failed.refetch()} />;
    if (got.some((g) => g.isPending)) return <Loading />;
    if (!runs.length) return <Empty icon="performance" title={t("rec.empty")} />;
    return <Charts name="recorded" runs={runs} elapsed />;
}

export function Recordings() {
    const client = useQueryClient();
    const list = useQuery(queries.recordings);
    const [chosen, setChosen] = useState<number[]>([]);
    const [starting, setStarting] = useState(false);
    const [removing, setRemoving] = useState<Recording>();
    const [busy, setBusy] = useState(false);
    const changed = () => client.invalidateQueries({ queryKey: ["recordings"] });
    const running = list.data?.recordings.find((r) => r.running);
    const shown = chosen.filter((id) => list.data?.recordings.some((r) => r.id === id && !r.running));

    const tick = (id: number, on: boolean) =>
        setChosen((before) => (on ? [...before, id].slice(-AT_ONCE) : before.filter((b) => b !== id)));
    const stop = (r: Recording) => {
        setBusy(true);
        take(api.POST("/stats/recordings/{id}/stop", { params: { path: { id: r.id } }, body: {} }))
            .then(() => tell(t("rec.stopped")), tellError)
            .finally(() => {
                setBusy(false);
                void changed();
            });
    };
    const remove = async (r: Recording) => {
        tick(r.id, false);
        await take(api.DELETE("/stats/recordings/{id}", { params: { path: { id: r.id } } }));
        client.removeQueries({ queryKey: ["recorded", r.id] });
        await changed();
    };
    return (
        <>
            <Card
                title={t("rec.title")}
                actions={running
                    ? <Button small icon="stop" kind="danger" busy={busy} onClick={() => stop(running)}>{t("rec.stop")}</Button>
                    : <Button small icon="plus" onClick={() => setStarting(true)}>{t("rec.start")}</Button>}
            >
                <Shown of={list}>
                    {({ recordings }) => recordings.length ? (
                        <>
                            <p className="muted small">{t("rec.pick")}</p>
                            <Table
                                caption={t("rec.title")}
                                rows={recordings}
                                rowKey={(r) => r.id}
                                columns={[
                                    {
                                        head: t("rec.name"),
                                        cell: (r) => r.running ? (
                                            <span className="row">{r.name} <Badge tone="bad">{t("rec.running")}</Badge></span>
                                        ) : (
                                            <Check label={r.name} aria-label={t("rec.compare", { name: r.name })}
                                                checked={shown.includes(r.id)} onChange={(e) => tick(r.id, e.target.checked)} />
                                        ),
                                    },
                                    { head: t("rec.begun"), cell: (r) => dateTime(r.started) },
                                    { head: t("rec.length"), number: true, cell: (r) => (r.running ? "" : duration(r.seconds)) },
                                    {
                                        head: "",
                                        label: t("act.remove"),
                                        number: true,
                                        cell: (r) => <IconButton icon="trash" label={t("rec.remove", { name: r.name })} onClick={() => setRemoving(r)} />,
                                    },
                                ]}
                            />
                        </>
                    ) : <Empty icon="clock" title={t("rec.none")}>{t("rec.noneMore")}</Empty>}
                </Shown>
            </Card>
            {shown.length > 0 && <Compared key={shown.join()} ids={shown} />}
            {starting && <StartDialog onClose={() => setStarting(false)} done={() => void changed()} />}
            {removing && (
                <Confirm title={t("rec.removeTitle")} verb={t("act.remove")} danger act={() => remove(removing)}
                    onClose={() => setRemoving(undefined)}>
                    {t("rec.removeMore", { name: removing.name })}
                </Confirm>
            )}
        </>
    );
}
