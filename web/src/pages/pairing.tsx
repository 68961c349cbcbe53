// SPDX-License-Identifier: MIT OR Apache-2.0
// Letting devices in: a PIN for a punktfunk device, unknown ones that ask, Moonlight's PIN.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useEffect, useId, useRef, useState, type RefObject } from "react";
import { api, take, type Schemas } from "../api/client";
import { queries } from "../api/queries";
import { t } from "../i18n";
import { Badge, Button, Card, PageHead } from "../ui/basic";
import { Confirm, Wrong } from "../ui/dialog";
import { SelectField, TextField } from "../ui/field";
import { Icon } from "../ui/icon";
import { Empty, Failed, Shown } from "../ui/state";
import { tell } from "../ui/toast";
import { apiTime, fingerprintOf, GRANTS, grantsText, shortFingerprint, type Grant } from "./logic";
import {
    Around, Countdown, ExpiryField, expiryTime, Fingerprint, FormDialog, GrantsField, noExpiry, useChange, When,
    type Expiry,
} from "./parts";

type State = Schemas["Pairing"];
type Knock = Schemas["AccessRequests"]["requests"][number];
type PinRequest = Schemas["PairRequests"]["requests"][number];

const TTLS = ["60", "300", "900", "3600", "0"] as const;

export function Pairing() {
    return (
        <>
            <PageHead title={t("nav.pairing")} />
            <div className="stack">
                <Native />
                <Knocks />
                <Moonlight />
            </div>
        </>
    );
}

// ---- a PIN for a punktfunk device ----

function Native() {
    const pairing = useQuery({
        ...queries.pairing,
        refetchInterval: ({ state: { data: p } }) => (p?.running ? 1000 : p?.armed ? 5000 : false),
    });
    const arm = useChange((body: Schemas["Arm"]) => take(api.POST("/pair/arm", { body })), "pairing");
    const withdraw = useChange(() => take(api.DELETE("/pair/arm")), "pairing");
    const p = pairing.data;
    // An outcome from before this page was opened is no news.
    const [old, setOld] = useState<number>();
    if (p && old === undefined) setOld(p.last && !p.running ? p.last.id : 0);
    const news = p && !p.armed && p.last && p.last.id > (old ?? p.last.id) && p.last.id === p.id ? p.last : undefined;

    return (
        <Card title={t("pair.native")}>
            <div className="stack">
                <p className="muted">{t("pair.nativeHint")}</p>
                {/* Screen readers hear the PIN digit by digit, once; the countdown stays silent. */}
                <div role="status">
                    {p?.running && <p>{t("pair.running")}</p>}
                    {news && <Outcome last={news} />}
                    {p?.armed && p.pin && (
                        <p className="pin">
                            <span className="hidden">{t("pair.pinSaid", { digits: [...p.pin].join(" ") })}</span>
                            <span aria-hidden="true">{p.pin}</span>
                        </p>
                    )}
                </div>
                {p?.armed ? (
                    <>
                        <p>
                            {typeof p.left_s !== "number" ? (
                                t("pair.leftEver")
                            ) : (
                                <Around
                                    text="pair.left"
                                    it={
                                        <Countdown
                                            left={p.left_s}
                                            readAt={pairing.dataUpdatedAt}
                                            onEnd={() => void pairing.refetch()}
                                        />
                                    }
                                />
                            )}
                            {p.device && <> · {t("pair.onlyFor", { device: shortFingerprint(p.device) })}</>}
                        </p>
                        {withdraw.error && <Wrong error={withdraw.error} />}
                        <div className="row">
                            <Button busy={withdraw.isPending} onClick={() => withdraw.mutate(undefined)}>
                                {t("pair.withdraw")}
                            </Button>
                        </div>
                    </>
                ) : pairing.error ? (
                    <Failed title={t("pair.noNative")} error={pairing.error} retry={() => void pairing.refetch()} />
                ) : (
                    p && <ArmForm busy={arm.isPending} error={arm.error} arm={(body) => arm.mutate(body)} />
                )}
            </div>
        </Card>
    );
}

function Outcome({ last }: { last: NonNullable<State["last"]> }) {
    const name = last.name || t("word.unnamed");
    const good = last.result === "paired";
    const words = t(good ? "pair.paired" : last.result === "wrong_pin" ? "pair.wrong" : "pair.gone", { name });
    return <Result good={good}>{words}</Result>;
}

function Result({ good, children }: { good: boolean; children: string }) {
    return (
        <p className={good ? "result ok" : "result bad"}>
            <Icon name={good ? "check" : "alert"} />
            <span>{children}</span>
        </p>
    );
}

function ArmForm({ busy, error, arm }: { busy: boolean; error: unknown; arm: (a: Schemas["Arm"]) => void }) {
    const knocks = useQuery(queries.knocks);
    const known = useId();
    const [ttl, setTtl] = useState<string>("300");
    const [device, setDevice] = useState("");
    const [wrong, setWrong] = useState(false);
    // Terms that nobody touched are left to the host: a device that pairs anew keeps its own.
    const [grants, setGrants] = useState<Grant[]>();
    const [expiry, setExpiry] = useState<Expiry>();

    const submit = () => {
        const fp = device.trim() ? fingerprintOf(device) : undefined;
        setWrong(fp === null);
        if (fp === null) return;
        arm({
            ttl_s: Number(ttl),
            ...(fp && { device: fp }),
            ...(grants && { grants: grantsText(grants) }),
            ...(expiry && { expires: expiryTime(expiry) }),
        });
    };
    return (
        <form
            className="stack"
            onSubmit={(e) => {
                e.preventDefault();
                submit();
            }}
        >
            <div className="narrow">
                <SelectField
                    label={t("pair.ttl")}
                    options={TTLS.map((s) => [s, t(`pair.ttl.${s}`)] as const)}
                    value={ttl}
                    onChange={(e) => setTtl(e.target.value)}
                />
            </div>
            <details className="more">
                <summary>{t("pair.terms")}</summary>
                <div className="stack">
                    <TextField
                        label={t("pair.device")}
                        help={t("pair.deviceHint")}
                        wrong={wrong && t("pair.deviceWrong")}
                        list={known}
                        value={device}
                        onChange={(e) => setDevice(e.target.value)}
                    />
                    <datalist id={known}>
                        {knocks.data?.requests.map((k) => (
                            <option key={k.id} value={k.fingerprint}>
                                {k.name}
                            </option>
                        ))}
                    </datalist>
                    <GrantsField value={grants ?? GRANTS} onChange={setGrants} />
                    <ExpiryField value={expiry ?? noExpiry} onChange={setExpiry} />
                </div>
            </details>
            {error ? <Wrong error={error} /> : null}
            <div className="row">
                <Button type="submit" kind="primary" icon="key" busy={busy}>
                    {t("pair.show")}
                </Button>
            </div>
        </form>
    );
}

// ---- unknown devices that ask ----

/** Moves the focus to a list when the row that had it is gone. */
function focusSoon(list: RefObject<HTMLElement | null>) {
    setTimeout(() => list.current?.focus());
}

function Knocks() {
    const knocks = useQuery({ ...queries.knocks, refetchInterval: 10_000 });
    const [approving, setApproving] = useState<Knock>();
    const [denying, setDenying] = useState<Knock>();
    const list = useRef<HTMLDivElement>(null);
    const deny = useChange(
        (k: Knock) => take(api.POST("/access/requests/{id}/deny", { params: { path: { id: k.id } }, body: {} })),
        "access",
        "status",
    );
    const nameOf = (k: Knock) => k.name || t("word.unnamed");

    return (
        <Card title={t("knock.title")}>
            <div ref={list} tabIndex={-1} className="stack" aria-live="polite">
                <Shown of={knocks}>
                    {({ requests }) =>
                        requests.length ? (
                            <>
                                <p className="muted">{t("knock.hint")}</p>
                                <ul className="rows">
                                    {requests.map((k) => (
                                        <li key={k.id}>
                                            <div>
                                                <strong>{nameOf(k)}</strong>{" "}
                                                <Badge tone={k.waits ? "accent" : "plain"}>
                                                    {t(k.waits ? "knock.waits" : "knock.left")}
                                                </Badge>
                                                <p className="muted">
                                                    {k.address} · <Asked age={k.age_s} readAt={knocks.dataUpdatedAt} />
                                                </p>
                                                <Fingerprint value={k.fingerprint} />
                                            </div>
                                            <div className="row">
                                                <Button
                                                    aria-label={t("knock.denyNamed", { name: nameOf(k) })}
                                                    onClick={() => setDenying(k)}
                                                >
                                                    {t("knock.deny")}
                                                </Button>
                                                <Button
                                                    kind="primary"
                                                    aria-label={t("knock.approveNamed", { name: nameOf(k) })}
                                                    onClick={() => setApproving(k)}
                                                >
                                                    {t("knock.approve")}
                                                </Button>
                                            </div>
                                        </li>
                                    ))}
                                </ul>
                            </>
                        ) : (
                            <Empty icon="devices" title={t("knock.empty")} />
                        )
                    }
                </Shown>
            </div>
            {approving && (
                <Approve
                    knock={approving}
                    onClose={() => setApproving(undefined)}
                    onDone={(name) => {
                        setApproving(undefined);
                        tell(t("knock.approved", { name }));
                        focusSoon(list);
                    }}
                />
            )}
            {denying && (
                <Confirm
                    title={t("knock.denyNamed", { name: nameOf(denying) })}
                    verb={t("knock.deny")}
                    danger
                    onClose={() => setDenying(undefined)}
                    act={() =>
                        deny.mutateAsync(denying).then(() => {
                            tell(t("knock.denied", { name: nameOf(denying) }));
                            focusSoon(list);
                        })
                    }
                >
                    {t("knock.denyMore")}
                </Confirm>
            )}
        </Card>
    );
}

function Asked({ age, readAt }: { age: number; readAt: number }) {
    return <Around text="knock.asked" it={<When time={apiTime(readAt - age * 1000)} />} />;
}

function Approve({ knock, onClose, onDone }: { knock: Knock; onClose: () => void; onDone: (name: string) => void }) {
    const [name, setName] = useState(knock.name);
    const [grants, setGrants] = useState<Grant[]>([...GRANTS]);
    const [expiry, setExpiry] = useState(noExpiry);
    const approve = useChange(
        () =>
            take(
                api.POST("/access/requests/{id}/approve", {
                    params: { path: { id: knock.id } },
                    body: {
                        ...(name.trim() && { name: name.trim() }),
                        grants: grantsText(grants),
                        expires: expiryTime(expiry),
                    },
                }),
            ),
        "access",
        "clients",
        "status",
    );
    return (
        <FormDialog
            title={t("knock.approveNamed", { name: knock.name || t("word.unnamed") })}
            verb={t("knock.approve")}
            busy={approve.isPending}
            error={approve.error}
            onClose={onClose}
            onSubmit={() => approve.mutate(undefined, { onSuccess: (c) => onDone(c.name || t("word.unnamed")) })}
        >
            <p className="muted break">
                {knock.address}
                <br />
                <code>{knock.fingerprint}</code>
            </p>
            <TextField label={t("word.name")} maxLength={64} value={name} onChange={(e) => setName(e.target.value)} />
            <GrantsField value={grants} onChange={setGrants} />
            <ExpiryField value={expiry} onChange={setExpiry} />
        </FormDialog>
    );
}

// ---- Moonlight ----

interface Sent {
    id: number;
    name: string;
    fingerprint: string;
    pairedBefore: string | null;
}

function pairedAt(clients: readonly Schemas["Client"][] | undefined, fingerprint: string): string | null {
    return clients?.find((c) => c.plane === "gamestream" && c.fingerprint === fingerprint)?.paired ?? null;
}

function Moonlight() {
    const status = useQuery(queries.status);
    const off = status.data !== undefined && status.data.gamestream_port === undefined;
    const requests = useQuery({ ...queries.pins, refetchInterval: off ? false : 3000 });
    const clients = useQuery(queries.clients);
    const [sent, setSent] = useState<Sent[]>([]);
    const [outcomes, setOutcomes] = useState<{ id: number; name: string; good: boolean }[]>([]);
    const open = requests.data?.requests;

    // A request that is gone has ended: well, if its client is listed and paired since.
    const { refetch } = clients;
    useEffect(() => {
        const ended = open ? sent.filter((s) => !open.some((r) => r.id === s.id)) : [];
        if (!ended.length) return;
        setSent((all) => all.filter((s) => !ended.includes(s)));
        void refetch().then(({ data }) => {
            setOutcomes((all) => [
                ...all,
                ...ended.map((s) => {
                    const now = pairedAt(data?.clients, s.fingerprint);
                    return { id: s.id, name: s.name, good: now !== null && now !== s.pairedBefore };
                }),
            ]);
        });
    }, [open, sent, refetch]);

    return (
        <Card title={t("moon.title")}>
            <div className="stack">
                <Shown of={requests}>
                    {({ requests: list }) =>
                        list.length ? (
                            <>
                                <p className="muted">{t("moon.hint")}</p>
                                <ul className="rows" aria-live="polite">
                                    {list.map((r) => (
                                        <PinEntry
                                            key={r.id}
                                            request={r}
                                            readAt={requests.dataUpdatedAt}
                                            onSent={() =>
                                                setSent((all) => [
                                                    ...all.filter((s) => s.id !== r.id),
                                                    {
                                                        id: r.id,
                                                        name: r.name || r.address,
                                                        fingerprint: r.fingerprint,
                                                        pairedBefore: pairedAt(clients.data?.clients, r.fingerprint),
                                                    },
                                                ])
                                            }
                                        />
                                    ))}
                                </ul>
                            </>
                        ) : (
                            <Empty
                                icon="gamepad"
                                title={t(off ? "moon.off" : "moon.empty")}
                                action={off && <Link to="/settings">{t("moon.offLink")}</Link>}
                            />
                        )
                    }
                </Shown>
                <div role="status">
                    {outcomes.map((o) => (
                        <Result key={o.id} good={o.good}>
                            {t(o.good ? "moon.paired" : "moon.failed", { name: o.name })}
                        </Result>
                    ))}
                </div>
            </div>
        </Card>
    );
}

function PinEntry({ request: r, readAt, onSent }: { request: PinRequest; readAt: number; onSent: () => void }) {
    const [pin, setPin] = useState("");
    const [wrong, setWrong] = useState(false);
    const name = r.name || r.address;
    const send = useChange(
        (digits: string) => take(api.POST("/pair/pin", { body: { pin: digits, request: r.id } })),
        "pairing",
    );
    const submit = () => {
        const good = /^[0-9]{1,16}$/.test(pin);
        setWrong(!good);
        if (!good) return;
        send.mutate(pin, {
            onSuccess: () => {
                setPin("");
                onSent();
            },
        });
    };
    return (
        <li>
            <div>
                <strong>{name}</strong>
                <p className="muted">
                    {r.address} · <Asked age={r.age_s} readAt={readAt} />
                </p>
                <Fingerprint value={r.fingerprint} />
            </div>
            {r.has_pin ? (
                <p role="status">{t("moon.sent", { name })}</p>
            ) : (
                <form
                    className="pin-entry"
                    onSubmit={(e) => {
                        e.preventDefault();
                        submit();
                    }}
                >
                    <TextField
                        label={t("moon.pinFor", { name })}
                        wrong={wrong ? t("moon.pinWrong") : send.error?.message}
                        inputMode="numeric"
                        maxLength={16}
                        value={pin}
                        onChange={(e) => setPin(e.target.value.replace(/\s/g, ""))}
                    />
                    <Button type="submit" kind="primary" busy={send.isPending}>
                        {t("moon.send")}
                    </Button>
                </form>
            )}
        </li>
    );
}
