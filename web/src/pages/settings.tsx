// SPDX-License-Identifier: MIT OR Apache-2.0
// The host's settings, made from what the API says of them, and what belongs to this browser.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { api, ApiError, take } from "../api/client";
import { signOut } from "../api/login";
import { queries } from "../api/queries";
import { LanguageChoice, ThemeChoice } from "../app/prefs";
import { t, tData, useLanguage } from "../i18n";
import { helpOf } from "../i18n/settings_help";
import { Badge, Button, Card, PageHead } from "../ui/basic";
import { Wrong } from "../ui/dialog";
import { Check, SelectField, Switch, TextField } from "../ui/field";
import { Empty, Shown } from "../ui/state";
import { tell, tellError } from "../ui/toast";
import { groupOf, GROUPS, settingFault, settingStored, settingText, type Setting } from "./logic";
import { FormDialog, useChange } from "./parts";

/** Names with their new text; null drops what was set here. */
type Draft = Record<string, string | null>;

const titleOf = (s: { name: string }) => tData("setting", s.name);

export function Settings() {
    const settings = useQuery(queries.settings);
    return (
        <>
            <PageHead title={t("nav.settings")} />
            <div className="stack">
                <Console />
                <Shown of={settings}>
                    {(all) => (
                        <>
                            {all.problem && (
                                <div className="banner bad" role="alert">
                                    <div className="break">
                                        <strong>{t("set.problem")}</strong>
                                        <div>{all.problem}</div>
                                    </div>
                                </div>
                            )}
                            {all.restart_needed.length > 0 && (
                                <div className="banner" role="status">
                                    <div>
                                        {t("set.restartNeeded", {
                                            names: all.restart_needed.map((name) => titleOf({ name })).join(", "),
                                        })}
                                    </div>
                                </div>
                            )}
                            <HostSettings list={all.settings} />
                        </>
                    )}
                </Shown>
            </div>
        </>
    );
}

function HostSettings({ list }: { list: Setting[] }) {
    const language = useLanguage();
    const form = useRef<HTMLFormElement>(null);
    const [search, setSearch] = useState("");
    const [onlyChanged, setOnlyChanged] = useState(false);
    const [draft, setDraft] = useState<Draft>({});
    const [refused, setRefused] = useState<Record<string, string>>({});
    const save = useChange((body: Draft) => take(api.PATCH("/settings", { body })), "settings", "displays", "status");

    // A draft that says what the host says by now is none.
    const dirty = list.filter((s) => {
        const d = draft[s.name];
        return d !== undefined && (d === null ? s.console !== undefined : d !== settingStored(s));
    });
    const faultOf = (s: Setting) => {
        const d = draft[s.name];
        const fault = typeof d === "string" && dirty.includes(s) ? settingFault(s, d) : undefined;
        return fault ? t(`set.fault.${fault}`, { min: s.min ?? 0, max: s.max ?? 0 }) : refused[s.name];
    };
    const words = search.trim().toLowerCase().split(/\s+/);
    const shown = list.filter((s) => {
        const text = `${s.name} ${titleOf(s)} ${helpOf(s, language)}`.toLowerCase();
        return (
            (!onlyChanged || s.source !== "default" || dirty.includes(s)) && words.every((w) => text.includes(w))
        );
    });

    const change = (s: Setting, text: string | null) => {
        setDraft({ ...draft, [s.name]: text });
        setRefused(({ [s.name]: _, ...rest }) => rest);
    };
    const focusOn = (name: string | undefined) =>
        form.current?.querySelector<HTMLElement>(`[data-setting="${name}"] :is(input, select)`)?.focus();
    const submit = () => {
        const wrong = dirty.find((s) => faultOf(s));
        if (wrong) {
            focusOn(wrong.name);
            return;
        }
        save.mutate(Object.fromEntries(dirty.map((s) => [s.name, draft[s.name] as string | null])), {
            onSuccess: () => {
                setDraft({});
                tell(t("act.saved"));
            },
            onError: (error) => {
                const fields = error instanceof ApiError ? (error.fields ?? {}) : {};
                setRefused(fields);
                focusOn(Object.keys(fields)[0]);
            },
        });
    };

    return (
        <form
            ref={form}
            className="stack"
            noValidate
            onSubmit={(e) => {
                e.preventDefault();
                if (!save.isPending) submit();
            }}
        >
            <div className="filters" role="search">
                <TextField
                    label={t("set.search")}
                    type="search"
                    value={search}
                    // Enter here is no wish to save.
                    onKeyDown={(e) => e.key === "Enter" && e.preventDefault()}
                    onChange={(e) => setSearch(e.target.value)}
                />
                <Check
                    label={t("set.changed")}
                    checked={onlyChanged}
                    onChange={(e) => setOnlyChanged(e.target.checked)}
                />
                <span role="status" className="muted">
                    {shown.length > 0 && t("set.found", { n: shown.length })}
                </span>
            </div>
            {!shown.length && <Empty icon="settings" title={t("set.nothing")} />}
            {GROUPS.map((g) => {
                const mine = shown.filter((s) => groupOf(s.name) === g);
                return (
                    mine.length > 0 && (
                        <Card key={g} title={t(`set.group.${g}`)}>
                            <ul className="rows">
                                {mine.map((s) => (
                                    <Row
                                        key={s.name}
                                        setting={s}
                                        help={helpOf(s, language)}
                                        draft={dirty.includes(s) ? draft[s.name] : undefined}
                                        wrong={faultOf(s)}
                                        onChange={(text) => change(s, text)}
                                    />
                                ))}
                            </ul>
                        </Card>
                    )
                );
            })}
            {dirty.length > 0 && (
                <div className="savebar">
                    {save.error && <Wrong error={save.error} />}
                    <div className="row end">
                        <Button
                            onClick={() => {
                                setDraft({});
                                setRefused({});
                                save.reset();
                            }}
                        >
                            {t("set.discard")}
                        </Button>
                        <Button type="submit" kind="primary" busy={save.isPending}>
                            {t("set.save", { n: dirty.length })}
                        </Button>
                    </div>
                </div>
            )}
        </form>
    );
}

interface RowProps {
    setting: Setting;
    help: string;
    draft: string | null | undefined;
    wrong: string | undefined;
    onChange: (text: string | null) => void;
}

function Row({ setting: s, help, draft, wrong, onChange }: RowProps) {
    const shown = (text: string) => text || t("set.empty");
    const text = draft === undefined ? settingStored(s) : (draft ?? settingText(s.default));
    const more = (
        <>
            {help}
            {!s.settable && s.why && <strong className="block">{s.why}</strong>}
        </>
    );
    return (
        <li className="setting" data-setting={s.name}>
            <Control setting={s} value={text} help={more} wrong={wrong} onChange={onChange} />
            <div className="row">
                <span className="muted small">
                    <code>{s.name}</code> · {t("set.default", { value: shown(settingText(s.default)) })}
                    {s.min !== undefined && s.max !== undefined && ` · ${t("set.range", { min: s.min, max: s.max })}`}
                </span>
                {s.source !== "default" && (
                    <Badge>
                        {t(`set.source.${s.source}`)}
                        {s.source === "file" && s.where && ` (${s.where})`}
                    </Badge>
                )}
                {s.waits !== undefined ? (
                    <Badge tone="warn">{t("set.waits", { value: shown(settingText(s.value)) })}</Badge>
                ) : (
                    s.restart && <Badge>{t("set.restart")}</Badge>
                )}
                {draft === null && <Badge tone="accent">{t("set.resets")}</Badge>}
                {s.console !== undefined && s.settable && draft !== null && (
                    <Button small kind="quiet" onClick={() => onChange(null)}>
                        {t("set.reset")} <span className="hidden">{titleOf(s)}</span>
                    </Button>
                )}
            </div>
        </li>
    );
}

interface ControlProps {
    setting: Setting;
    value: string;
    help: React.ReactNode;
    wrong: string | undefined;
    onChange: (text: string) => void;
}

function Control({ setting: s, value, help, wrong, onChange }: ControlProps) {
    const common = { label: titleOf(s), help, wrong, disabled: !s.settable };
    if (s.type === "bool")
        return (
            <div className="field">
                <span className="label" aria-hidden="true">
                    {titleOf(s)}
                </span>
                <Switch
                    label={titleOf(s)}
                    disabled={!s.settable}
                    checked={value === "yes"}
                    onChange={(e) => onChange(e.target.checked ? "yes" : "no")}
                />
                <Below help={help} wrong={wrong} />
            </div>
        );
    if (s.type === "choice")
        return (
            <SelectField
                {...common}
                options={(s.choices ?? []).map((c) => [c, c] as const)}
                value={value}
                onChange={(e) => onChange(e.target.value)}
            />
        );
    if (s.type === "choices") {
        const have = value.split(",");
        const all = s.choices ?? [];
        return (
            <div className="field" role="group" aria-label={titleOf(s)}>
                <span className="label" aria-hidden="true">
                    {titleOf(s)}
                </span>
                <div className="checks">
                    {all.map((c) => (
                        <Check
                            key={c}
                            label={c}
                            disabled={!s.settable}
                            checked={have.includes(c)}
                            onChange={(e) =>
                                onChange(all.filter((x) => (x === c ? e.target.checked : have.includes(x))).join(","))
                            }
                        />
                    ))}
                </div>
                <Below help={help} wrong={wrong} />
            </div>
        );
    }
    return (
        <>
            <TextField
                {...common}
                inputMode={s.type === "number" && !s.auto ? "numeric" : undefined}
                value={value}
                onChange={(e) => onChange(e.target.value.trim() && e.target.value)}
            />
            {s.auto && s.settable && value !== "auto" && (
                <Button small kind="quiet" onClick={() => onChange("auto")}>
                    {t("set.toAuto")} <span className="hidden">{titleOf(s)}</span>
                </Button>
            )}
        </>
    );
}

function Below({ help, wrong }: { help: React.ReactNode; wrong: string | undefined }) {
    return (
        <>
            <div className="help">{help}</div>
            {wrong && (
                <div className="wrong" role="alert">
                    {wrong}
                </div>
            )}
        </>
    );
}

// ---- what belongs to this browser ----

function Console() {
    const client = useQueryClient();
    const [changing, setChanging] = useState(false);
    return (
        <Card title={t("set.console")}>
            <div className="stack">
                <div className="row">
                    <LanguageChoice />
                    <ThemeChoice />
                </div>
                <div className="row">
                    <Button icon="key" onClick={() => setChanging(true)}>
                        {t("set.passwordChange")}
                    </Button>
                    <Button icon="signOut" onClick={() => void signOut(client).catch((e: unknown) => tellError(e))}>
                        {t("app.signOut")}
                    </Button>
                </div>
            </div>
            {changing && <Password onClose={() => setChanging(false)} />}
        </Card>
    );
}

function Password({ onClose }: { onClose: () => void }) {
    const [old, setOld] = useState("");
    const [next, setNext] = useState("");
    const [again, setAgain] = useState("");
    const [differs, setDiffers] = useState(false);
    const change = useChange(() => take(api.PUT("/login/password", { body: { old, new: next } })), "login");
    return (
        <FormDialog
            title={t("set.passwordChange")}
            verb={t("set.passwordChange")}
            busy={change.isPending}
            error={change.error}
            onClose={onClose}
            onSubmit={() => {
                setDiffers(next !== again);
                if (next !== again) return;
                change.mutate(undefined, {
                    onSuccess: () => {
                        tell(t("set.passwordChanged"));
                        onClose();
                    },
                });
            }}
        >
            <input type="text" autoComplete="username" value="punktfunk" readOnly hidden />
            <TextField
                label={t("set.passwordOld")}
                type="password"
                autoComplete="current-password"
                required
                value={old}
                onChange={(e) => setOld(e.target.value)}
            />
            <TextField
                label={t("set.passwordNew")}
                type="password"
                autoComplete="new-password"
                required
                value={next}
                onChange={(e) => setNext(e.target.value)}
            />
            <TextField
                label={t("set.passwordAgain")}
                wrong={differs && t("set.passwordDiffers")}
                type="password"
                autoComplete="new-password"
                required
                value={again}
                onChange={(e) => setAgain(e.target.value)}
            />
        </FormDialog>
    );
}
