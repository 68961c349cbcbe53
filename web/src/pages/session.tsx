// SPDX-License-Identifier: MIT OR Apache-2.0
// One session: what it does now, and what one can do to it.
import { useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { api, take, type Schemas } from "../api/client";
import { sessionKey, useNewest } from "../api/live";
import { milliseconds, number, rate, t } from "../i18n";
import { Badge, Button, Card, Figures } from "../ui/basic";
import { Confirm, Dialog, Wrong } from "../ui/dialog";
import { Elapsed } from "../ui/elapsed";
import { TextField } from "../ui/field";
import { tell, tellError } from "../ui/toast";

type Session = Schemas["Session"];

const LEAST_KBPS = 500;

function LimitDialog({ session: s, onClose }: { session: Session; onClose: () => void }) {
    const client = useQueryClient();
    const [text, setText] = useState(s.limit_kbps === null ? "" : String(s.limit_kbps / 1000));
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const value = text.trim() === "" ? null : Math.round(Number(text.replace(",", ".")) * 1000);
    const wrong = value !== null && !(value >= LEAST_KBPS);
    const save = async () => {
        if (wrong) return;
        setBusy(true);
        try {
            await take(api.PATCH("/sessions/{plane}/{id}", { params: { path: s }, body: { bitrate_kbps: value } }));
            void client.invalidateQueries({ queryKey: ["status"] });
            tell(t("act.saved"));
            onClose();
        } catch (e) {
            setError(e);
            setBusy(false);
        }
    };
    return (
        <Dialog title={t("session.limitTitle", { name: s.name || s.client })} onClose={onClose} onSubmit={() => void save()}
            footer={
                <>
                    <Button onClick={onClose}>{t("act.cancel")}</Button>
                    <Button type="submit" kind="primary" busy={busy}>{t("act.save")}</Button>
                </>
            }>
            <TextField label={t("session.limitLabel")} help={t("session.limitHelp")} inputMode="decimal" value={text}
                onChange={(e) => setText(e.target.value)}
                wrong={wrong ? t("session.limitWrong", { least: LEAST_KBPS / 1000 }) : undefined} />
            {error !== undefined && <Wrong error={error} />}
        </Dialog>
    );
}

export function SessionCard({ session: s, at }: { session: Session; at: number }) {
    const client = useQueryClient();
    const [dialog, setDialog] = useState<"stop" | "limit">();
    const [busy, setBusy] = useState(false);
    const now = useNewest(sessionKey(s));
    const name = s.name || s.client;
    const path = { params: { path: { plane: s.plane, id: s.id } } };
    const total = now?.stages?.total_ms?.p50;

    const stop = async () => {
        await take(api.DELETE("/sessions/{plane}/{id}", path));
        await client.invalidateQueries({ queryKey: ["status"] });
        tell(t("session.stopped"));
    };
    const keyframe = () => {
        setBusy(true);
        take(api.POST("/sessions/{plane}/{id}/keyframe", { ...path, body: {} }))
            .then(() => tell(t("session.keyframeDone")), tellError)
            .finally(() => setBusy(false));
    };

    return (
        <Card
            title={name}
            className="session"
            actions={s.live
                ? <Badge tone="ok"><Elapsed seconds={s.seconds} at={at} /></Badge>
                : <Badge tone="warn">{t("session.resuming")}</Badge>}
        >
            <p className="muted small break">
                {[s.plane === "gamestream" && "Moonlight", s.app, s.mode, s.codec, s.encoder].filter(Boolean).join(" · ")}
            </p>
            <Figures items={[
                [t("session.fps"), now ? t("session.perSecond", { n: Math.round(now.fps) }) : "–"],
                [t("session.bitrate"), rate(now?.bitrate_kbps ?? s.bitrate_kbps)],
                [t("session.latency"), total === undefined ? "–" : milliseconds(total)],
                [t("session.loss"), typeof now?.loss_percent === "number" ? `${number(now.loss_percent, 1)} %` : "–"],
                [t("session.rtt"), typeof now?.rtt_ms === "number" ? milliseconds(now.rtt_ms) : "–"],
                s.limit_kbps !== null && [t("session.limit"), rate(s.limit_kbps)],
            ]} />
            <div className="row">
                <Button small kind="danger" icon="stop" onClick={() => setDialog("stop")}>{t("session.stop")}</Button>
                <Button small icon="refresh" busy={busy} onClick={keyframe}>{t("session.keyframe")}</Button>
                <Button small icon="performance" onClick={() => setDialog("limit")}>{t("session.limitDo")}</Button>
            </div>
            {dialog === "stop" && (
                <Confirm title={t("session.stopTitle")} verb={t("session.stop")} danger act={stop} onClose={() => setDialog(undefined)}>
                    {t("session.stopMore", { name })}
                </Confirm>
            )}
            {dialog === "limit" && <LimitDialog session={s} onClose={() => setDialog(undefined)} />}
        </Card>
    );
}
