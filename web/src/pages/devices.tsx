// SPDX-License-Identifier: MIT OR Apache-2.0
// Who may connect, of both planes: name, rights, expiry, and the way out.
import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { useRef, useState } from "react";
import { api, take, type Schemas } from "../api/client";
import { queries } from "../api/queries";
import { t } from "../i18n";
import { Badge, Button, PageHead } from "../ui/basic";
import { Confirm } from "../ui/dialog";
import { TextField } from "../ui/field";
import { Empty, Shown } from "../ui/state";
import { Table } from "../ui/table";
import { tell } from "../ui/toast";
import { grantsOf, grantsText } from "./logic";
import { expiryFrom, ExpiryField, expiryTime, Fingerprint, FormDialog, Grants, GrantsField, useChange, When } from "./parts";

type Client = Schemas["Client"];

const PLANES = { native: "punktfunk", gamestream: "Moonlight" };
const pathOf = (c: Client) => ({ params: { path: { plane: c.plane, fingerprint: c.fingerprint } } });
const nameOf = (c: Client) => c.name || t("word.unnamed");

export function Devices() {
    const clients = useQuery(queries.clients);
    const status = useQuery(queries.status);
    const [edited, setEdited] = useState<Client>();
    const [leaving, setLeaving] = useState<Client>();
    const list = useRef<HTMLDivElement>(null);
    const unpair = useChange(
        (c: Client) => take(api.DELETE("/clients/{plane}/{fingerprint}", pathOf(c))),
        "clients",
        "status",
    );
    const isLive = (c: Client) =>
        !!status.data?.sessions.some((s) => s.live && s.plane === c.plane && s.client === c.fingerprint);

    return (
        <>
            <PageHead
                title={t("nav.devices")}
                actions={
                    <Link to="/pairing" className="button primary">
                        {t("dev.pair")}
                    </Link>
                }
            />
            <div className="card" ref={list} tabIndex={-1}>
                <Shown of={clients}>
                    {({ clients: rows }) =>
                        rows.length ? (
                            <Table
                                caption={t("nav.devices")}
                                rows={rows}
                                rowKey={(c) => `${c.plane}/${c.fingerprint}/${c.source}`}
                                columns={[
                                    {
                                        head: t("dev.name"),
                                        cell: (c) => (
                                            <div>
                                                <span className="row">
                                                    <strong>{nameOf(c)}</strong>
                                                    <Badge>{PLANES[c.plane]}</Badge>
                                                    {isLive(c) && <Badge tone="ok">{t("dev.live")}</Badge>}
                                                </span>
                                                <Fingerprint value={c.fingerprint} />
                                            </div>
                                        ),
                                    },
                                    { head: t("dev.rights"), cell: (c) => <Grants grants={c.grants} /> },
                                    { head: t("dev.expires"), cell: (c) => <Ends time={c.expires} /> },
                                    {
                                        head: t("dev.seen"),
                                        cell: (c) => (c.seen ? <When time={c.seen} /> : t("dev.never")),
                                    },
                                    {
                                        head: "",
                                        label: t("dev.actions"),
                                        cell: (c) =>
                                            c.source === "paired" ? (
                                                <div className="row">
                                                    <Button
                                                        small
                                                        aria-label={t("act.editNamed", { name: nameOf(c) })}
                                                        onClick={() => setEdited(c)}
                                                    >
                                                        {t("act.edit")}
                                                    </Button>
                                                    <Button
                                                        small
                                                        kind="danger"
                                                        aria-label={t("dev.unpairNamed", { name: nameOf(c) })}
                                                        onClick={() => setLeaving(c)}
                                                    >
                                                        {t("dev.unpair")}
                                                    </Button>
                                                </div>
                                            ) : (
                                                <span className="muted small">{t("dev.fileHint")}</span>
                                            ),
                                    },
                                ]}
                            />
                        ) : (
                            <Empty
                                icon="devices"
                                title={t("dev.empty")}
                                action={<Link to="/pairing">{t("dev.pair")}</Link>}
                            />
                        )
                    }
                </Shown>
            </div>
            {edited && <Edit client={edited} onClose={() => setEdited(undefined)} />}
            {leaving && (
                <Confirm
                    title={t("dev.unpairNamed", { name: nameOf(leaving) })}
                    verb={t("dev.unpair")}
                    danger
                    onClose={() => setLeaving(undefined)}
                    act={() =>
                        unpair.mutateAsync(leaving).then(() => {
                            tell(t("dev.unpaired", { name: nameOf(leaving) }));
                            setTimeout(() => list.current?.focus());
                        })
                    }
                >
                    {t("dev.unpairAsk", { name: nameOf(leaving) })} {isLive(leaving) && t("dev.unpairLive")}
                </Confirm>
            )}
        </>
    );
}

function Ends({ time }: { time: string | null }) {
    if (!time) return t("expiry.never");
    if (Date.parse(time) <= Date.now()) return <Badge tone="bad">{t("expiry.past")}</Badge>;
    return <When time={time} />;
}

function Edit({ client, onClose }: { client: Client; onClose: () => void }) {
    const first = expiryFrom(client.expires);
    const [name, setName] = useState(client.name);
    const [grants, setGrants] = useState(grantsOf(client.grants));
    const [expiry, setExpiry] = useState(first);
    const save = useChange(
        () =>
            take(
                api.PATCH("/clients/{plane}/{fingerprint}", {
                    ...pathOf(client),
                    // Only what was changed: the field shows minutes, the host knows seconds.
                    body: {
                        ...(name.trim() !== client.name && { name: name.trim() }),
                        ...(grantsText(grants) !== client.grants && { grants: grantsText(grants) }),
                        ...((expiry.kind !== first.kind || expiry.at !== first.at) && { expires: expiryTime(expiry) }),
                    },
                }),
            ),
        "clients",
        "status",
    );
    return (
        <FormDialog
            title={t("act.editNamed", { name: nameOf(client) })}
            verb={t("act.save")}
            busy={save.isPending}
            error={save.error}
            onClose={onClose}
            onSubmit={() =>
                save.mutate(undefined, {
                    onSuccess: (c) => {
                        tell(t("dev.saved", { name: nameOf(c) }));
                        onClose();
                    },
                })
            }
        >
            <TextField
                label={t("word.name")}
                required
                maxLength={64}
                value={name}
                onChange={(e) => setName(e.target.value)}
            />
            <GrantsField value={grants} onChange={setGrants} />
            <ExpiryField value={expiry} onChange={setExpiry} />
            {client.paired && (
                <p className="muted">
                    {t("dev.paired")} <When time={client.paired} />
                </p>
            )}
        </FormDialog>
    );
}
