// SPDX-License-Identifier: MIT OR Apache-2.0
// What several pages are made of: rights, expiry, moments, fingerprints, forms in dialogs.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { dateTime, duration, t, useLanguage, type Text } from "../i18n";
import { Badge, Button } from "../ui/basic";
import { Dialog, Wrong } from "../ui/dialog";
import { Check, SelectField, TextField } from "../ui/field";
import { apiTime, GRANTS, grantsOf, localInput, relative, shortFingerprint, type Grant } from "./logic";

/** Something done to the host; what the words name (first words of query keys) is read anew after it. */
export function useChange<A, R>(run: (a: A) => Promise<R>, ...stale: string[]) {
    const client = useQueryClient();
    return useMutation({
        mutationFn: run,
        onSettled: () => Promise.all(stale.map((word) => client.invalidateQueries({ queryKey: [word] }))),
    });
}

/** The time, anew every `every` ms. */
function useNow(every: number): number {
    const [now, setNow] = useState(Date.now);
    useEffect(() => {
        const timer = setInterval(() => setNow(Date.now()), every);
        return () => clearInterval(timer);
    }, [every]);
    return now;
}

/** A text with something living in the place of {it}. */
export function Around({ text, it }: { text: Text; it: ReactNode }) {
    const [before, after] = t(text, { it: "\0" }).split("\0");
    return (
        <>
            {before}
            {it}
            {after}
        </>
    );
}

/** A moment as people say it; the exact one on hovering and for machines. */
export function When({ time }: { time: string }) {
    const language = useLanguage();
    const now = useNow(20_000);
    return (
        <time dateTime={time} title={dateTime(time)}>
            {relative(new Date(time).getTime(), Math.max(now, Date.now()), language)}
        </time>
    );
}

/** Seconds that run down from a figure read at `readAt`. */
export function Countdown({ left, readAt, onEnd }: { left: number; readAt: number; onEnd?: () => void }) {
    const now = useNow(500);
    const rest = left - Math.max(0, now - readAt) / 1000;
    const over = rest <= 0;
    const end = useRef(onEnd);
    useEffect(() => {
        end.current = onEnd;
    });
    useEffect(() => {
        if (over) end.current?.();
    }, [over]);
    return (
        <span role="timer" className="number">
            {duration(Math.ceil(rest))}
        </span>
    );
}

export function Fingerprint({ value }: { value: string }) {
    return (
        <details className="fingerprint">
            <summary>
                <span className="hidden">{t("word.fingerprint")}</span>
                <code>{shortFingerprint(value)} …</code>
            </summary>
            <code className="break">{value}</code>
        </details>
    );
}

// ---- rights and expiry ----

export function GrantsField({ value, onChange }: { value: readonly Grant[]; onChange: (v: Grant[]) => void }) {
    const hint = useId();
    return (
        <fieldset aria-describedby={hint}>
            <legend>{t("grant.title")}</legend>
            <div className="checks">
                {GRANTS.map((g) => (
                    <Check
                        key={g}
                        label={t(`grant.${g}`)}
                        checked={value.includes(g)}
                        onChange={(e) => onChange(e.target.checked ? [...value, g] : value.filter((x) => x !== g))}
                    />
                ))}
            </div>
            <p id={hint} className="muted small">
                {t("grant.hint")}
            </p>
        </fieldset>
    );
}

/** Rights in few words. */
export function Grants({ grants }: { grants: string }) {
    const list = grantsOf(grants);
    if (list.length === GRANTS.length) return <Badge>{t("grant.all")}</Badge>;
    if (!list.length) return <Badge tone="warn">{t("grant.none")}</Badge>;
    return (
        <ul className="badges" aria-label={t("grant.title")}>
            {list.map((g) => (
                <li key={g}>
                    <Badge>{t(`grant.${g}`)}</Badge>
                </li>
            ))}
        </ul>
    );
}

const SPANS = { hour: 3600_000, day: 86_400_000, week: 604_800_000 };
const KINDS = ["never", "hour", "day", "week", "at"] as const;
export type Expiry = { kind: (typeof KINDS)[number]; at: string };
export const noExpiry: Expiry = { kind: "never", at: "" };
export const expiryFrom = (time: string | null): Expiry => (time ? { kind: "at", at: localInput(time) } : noExpiry);

/** The API's word for it, counted from now. */
export function expiryTime(e: Expiry): string | null {
    if (e.kind === "never" || (e.kind === "at" && !e.at)) return null;
    return apiTime(e.kind === "at" ? new Date(e.at).getTime() : Date.now() + SPANS[e.kind]);
}

export function ExpiryField({ value, onChange }: { value: Expiry; onChange: (v: Expiry) => void }) {
    return (
        <>
            <SelectField
                label={t("expiry.title")}
                options={KINDS.map((k) => [k, t(`expiry.${k}`)] as const)}
                value={value.kind}
                onChange={(e) => onChange({ ...value, kind: e.target.value as Expiry["kind"] })}
            />
            {value.kind === "at" && (
                <TextField
                    label={t("expiry.time")}
                    type="datetime-local"
                    required
                    value={value.at}
                    onChange={(e) => onChange({ ...value, at: e.target.value })}
                />
            )}
        </>
    );
}

/** A dialog with fields and one thing that it does. */
export function FormDialog({ title, verb, busy, error, onSubmit, onClose, wide, children }: {
    title: string;
    verb: string;
    busy: boolean;
    error: unknown;
    onSubmit: () => void;
    onClose: () => void;
    wide?: boolean;
    children: ReactNode;
}) {
    return (
        <Dialog
            title={title}
            wide={wide}
            onClose={onClose}
            onSubmit={onSubmit}
            footer={
                <>
                    <Button onClick={onClose}>{t("act.cancel")}</Button>
                    <Button type="submit" kind="primary" busy={busy}>
                        {verb}
                    </Button>
                </>
            }
        >
            {children}
            {error ? <Wrong error={error} /> : null}
        </Dialog>
    );
}
