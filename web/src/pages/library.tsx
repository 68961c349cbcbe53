// SPDX-License-Identifier: MIT OR Apache-2.0
// What devices may launch: a grid of covers, and the dialog that adds and changes.
import { useQuery } from "@tanstack/react-query";
import { useId, useRef, useState } from "react";
import { api, take, type Schemas } from "../api/client";
import { queries } from "../api/queries";
import { t } from "../i18n";
import { Badge, Button, IconButton, PageHead } from "../ui/basic";
import { Confirm } from "../ui/dialog";
import { Check, SelectField, TextArea, TextField } from "../ui/field";
import { Empty, Shown } from "../ui/state";
import { tell, tellError } from "../ui/toast";
import { ART_BYTES_MAX, ART_TYPES, envOf, envText } from "./logic";
import { FormDialog, useChange } from "./parts";

type App = Schemas["App"];
type Prep = Schemas["Prep"];

const PREP_MAX = 16;

export function Library() {
    const apps = useQuery(queries.apps);
    const [edited, setEdited] = useState<App | "new">();
    const [leaving, setLeaving] = useState<App>();
    const list = useRef<HTMLUListElement>(null);
    const remove = useChange((a: App) => take(api.DELETE("/apps/{id}", { params: { path: { id: a.id } } })), "apps");

    return (
        <>
            <PageHead
                title={t("nav.library")}
                actions={
                    <Button kind="primary" icon="plus" onClick={() => setEdited("new")}>
                        {t("lib.add")}
                    </Button>
                }
            />
            <Shown of={apps}>
                {({ apps: all }) => (
                    <div className="stack">
                        <ul className="covers" ref={list} tabIndex={-1} aria-label={t("nav.library")}>
                            {all.map((a) => (
                                <li key={a.id} className="card">
                                    <Cover key={apps.dataUpdatedAt} app={a} version={apps.dataUpdatedAt} />
                                    <div className="stack tight">
                                        <span className="row spread">
                                            <strong className="break">{a.title}</strong>
                                            {a.builtin && <Badge>{t("lib.builtin")}</Badge>}
                                        </span>
                                        {a.command && <code className="muted clip">{a.command}</code>}
                                        <span className="row end">
                                            <IconButton
                                                icon="edit"
                                                label={t("act.editNamed", { name: a.title })}
                                                onClick={() => setEdited(a)}
                                            />
                                            {!a.builtin && (
                                                <IconButton
                                                    icon="trash"
                                                    label={t("act.removeNamed", { name: a.title })}
                                                    onClick={() => setLeaving(a)}
                                                />
                                            )}
                                        </span>
                                    </div>
                                </li>
                            ))}
                        </ul>
                        {all.every((a) => a.builtin) && <Empty icon="library" title={t("lib.onlyDesktop")} />}
                    </div>
                )}
            </Shown>
            {edited && <Edit app={edited === "new" ? undefined : edited} onClose={() => setEdited(undefined)} />}
            {leaving && (
                <Confirm
                    title={t("act.removeNamed", { name: leaving.title })}
                    verb={t("act.remove")}
                    danger
                    onClose={() => setLeaving(undefined)}
                    act={() =>
                        remove.mutateAsync(leaving).then(() => {
                            tell(t("lib.deleted", { name: leaving.title }));
                            setTimeout(() => list.current?.focus());
                        })
                    }
                >
                    {t("lib.deleteAsk", { name: leaving.title })}
                </Confirm>
            )}
        </>
    );
}

/** The cover, or the title's first letter in its place. */
function Cover({ app, version }: { app: App; version: number }) {
    const [failed, setFailed] = useState(false);
    if (app.art === "none" || failed)
        return (
            <div className="cover" aria-hidden="true">
                {[...app.title][0]?.toUpperCase()}
            </div>
        );
    return (
        <img className="cover" src={`/api/v1/apps/${app.id}/art?v=${version}`} alt="" onError={() => setFailed(true)} />
    );
}

function Edit({ app, onClose }: { app?: App; onClose: () => void }) {
    const [title, setTitle] = useState(app?.title ?? "");
    const [command, setCommand] = useState(app?.command ?? "");
    const [workdir, setWorkdir] = useState(app?.workdir ?? "");
    const [env, setEnv] = useState(envText(app?.env ?? {}));
    const [prep, setPrep] = useState<Prep[]>(app?.prep ?? []);
    const [detached, setDetached] = useState(app?.detached ?? false);
    const [onExit, setOnExit] = useState<App["on_exit"]>(app?.on_exit ?? "end");
    const [patience, setPatience] = useState(app ? String(app.exit_timeout_s) : "");
    const [art, setArt] = useState<File | "none">();
    const [artWrong, setArtWrong] = useState<string>();
    const [wrong, setWrong] = useState<{ env?: string; workdir?: string }>({});
    const hint = useId();

    const save = useChange(async (body: Schemas["NewApp"]) => {
        // Of the built-in desktop only the cover can be changed.
        const saved = app?.builtin
            ? app
            : await take(
                  app
                      ? api.PATCH("/apps/{id}", { params: { path: { id: app.id } }, body })
                      : api.POST("/apps", { body }),
              );
        // The app is saved by now, whatever becomes of its cover.
        const params = { path: { id: saved.id } };
        let coverError: unknown;
        try {
            if (art === "none") await take(api.DELETE("/apps/{id}/art", { params }));
            else if (art)
                await take(
                    api.PUT("/apps/{id}/art", {
                        params,
                        body: art as never,
                        bodySerializer: () => art,
                        headers: { "Content-Type": art.type },
                    }),
                );
        } catch (e) {
            coverError = e;
        }
        return { name: saved.title, coverError };
    }, "apps");

    const submit = () => {
        const e = envOf(env);
        const found = {
            env: "line" in e ? t("lib.envWrong", { line: e.line }) : undefined,
            workdir: workdir && !workdir.startsWith("/") ? t("lib.pathWrong") : undefined,
        };
        setWrong(found);
        if ("line" in e || found.workdir || artWrong) return;
        const used = prep.filter((p) => p.do || p.undo);
        save.mutate(
            {
                title: title.trim(),
                command: command.trim() || null,
                workdir: workdir || null,
                env: Object.keys(e.env).length ? e.env : null,
                prep: used.length ? used : null,
                detached,
                on_exit: onExit,
                exit_timeout_s: patience === "" ? null : Number(patience),
            },
            {
                onSuccess: ({ name, coverError }) => {
                    if (coverError) tellError(coverError, t("lib.savedNoArt", { name }));
                    else tell(t("lib.saved", { name }));
                    onClose();
                },
            },
        );
    };
    const takeArt = (file: File | undefined) => {
        const bad =
            file &&
            (!ART_TYPES.includes(file.type) ? "lib.artKind" : file.size > ART_BYTES_MAX ? "lib.artBig" : undefined);
        setArtWrong(bad && t(bad));
        setArt(bad ? undefined : file);
    };
    const change = (i: number, more: Prep) => setPrep(prep.map((p, k) => (k === i ? { ...p, ...more } : p)));

    return (
        <FormDialog
            title={app ? t("act.editNamed", { name: app.title }) : t("lib.add")}
            verb={t("act.save")}
            wide
            busy={save.isPending}
            error={save.error}
            onClose={onClose}
            onSubmit={submit}
        >
            {!app?.builtin && (
                <>
                    <TextField
                        label={t("lib.field.title")}
                        required
                        maxLength={128}
                        value={title}
                        onChange={(e) => setTitle(e.target.value)}
                    />
                    <TextField
                        label={t("lib.field.command")}
                        help={t("lib.hint.command")}
                        autoCapitalize="none"
                        value={command}
                        onChange={(e) => setCommand(e.target.value)}
                    />
                </>
            )}
            <TextField
                label={t("lib.art")}
                help={t("lib.artHint")}
                wrong={artWrong}
                type="file"
                accept={ART_TYPES.join()}
                onChange={(e) => takeArt(e.target.files?.[0])}
            />
            {app?.art === "kept" && !(art instanceof File) && (
                <Check
                    label={t("lib.artRemove")}
                    checked={art === "none"}
                    onChange={(e) => setArt(e.target.checked ? "none" : undefined)}
                />
            )}
            {!app?.builtin && (
                <>
                    <SelectField
                        label={t("lib.onExit")}
                        options={[
                            ["end", t("lib.onExit.end")],
                            ["stay", t("lib.onExit.stay")],
                        ]}
                        value={onExit}
                        onChange={(e) => setOnExit(e.target.value as App["on_exit"])}
                    />
                    <Check
                        label={t("lib.detached")}
                        checked={detached}
                        onChange={(e) => setDetached(e.target.checked)}
                    />
                    <TextField
                        label={t("lib.field.workdir")}
                        help={t("lib.hint.workdir")}
                        wrong={wrong.workdir}
                        value={workdir}
                        onChange={(e) => setWorkdir(e.target.value)}
                    />
                    <TextArea
                        label={t("lib.field.env")}
                        help={t("lib.hint.env")}
                        wrong={wrong.env}
                        rows={3}
                        value={env}
                        onChange={(e) => setEnv(e.target.value)}
                    />
                    <fieldset aria-describedby={hint}>
                        <legend>{t("lib.prep")}</legend>
                        <p id={hint} className="muted small">
                            {t("lib.prepHint")}
                        </p>
                        {prep.map((p, i) => (
                            <div key={i} className="prep">
                                <TextField
                                    label={t("lib.prepDo", { n: i + 1 })}
                                    value={p.do ?? ""}
                                    onChange={(e) => change(i, { do: e.target.value })}
                                />
                                <TextField
                                    label={t("lib.prepUndo", { n: i + 1 })}
                                    value={p.undo ?? ""}
                                    onChange={(e) => change(i, { undo: e.target.value })}
                                />
                                <IconButton
                                    icon="trash"
                                    label={t("lib.prepRemove", { n: i + 1 })}
                                    onClick={() => setPrep(prep.filter((_, k) => k !== i))}
                                />
                            </div>
                        ))}
                        {prep.length < PREP_MAX && (
                            <Button small icon="plus" onClick={() => setPrep([...prep, {}])}>
                                {t("lib.prepAdd")}
                            </Button>
                        )}
                    </fieldset>
                    <TextField
                        label={t("lib.exitTimeout")}
                        type="number"
                        min={0}
                        max={60}
                        value={patience}
                        onChange={(e) => setPatience(e.target.value)}
                    />
                </>
            )}
        </FormDialog>
    );
}
