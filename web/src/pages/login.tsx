// SPDX-License-Identifier: MIT OR Apache-2.0
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { ApiError } from "../api/client";
import { signIn } from "../api/login";
import { t } from "../i18n";
import { LanguageChoice } from "../app/prefs";
import { Button, Command } from "../ui/basic";
import { Check, TextField } from "../ui/field";
import { Mark } from "../ui/icon";
import { wordsOf } from "../ui/state";

/** `set`: the host has a password. */
export function LoginPage({ set }: { set: boolean }) {
    const client = useQueryClient();
    const [password, setPassword] = useState("");
    const [shown, setShown] = useState(false);
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    const [wait, setWait] = useState(0);
    const form = useRef<HTMLFormElement>(null);

    useEffect(() => {
        document.title = `${t("login.title")} · punktfunk`;
        form.current?.querySelector<HTMLInputElement>("input.input")?.focus();
    }, []);
    useEffect(() => {
        if (wait <= 0) return;
        const timer = setTimeout(() => setWait(wait - 1), 1000);
        return () => clearTimeout(timer);
    }, [wait]);

    const submit = async () => {
        setBusy(true);
        setError(undefined);
        try {
            await signIn(client, password);
        } catch (e) {
            setError(e);
            if (e instanceof ApiError && e.status === 429) setWait(Math.ceil(e.retryAfterS ?? 5));
            setBusy(false);
            form.current?.querySelector<HTMLInputElement>("input.input")?.select();
        }
    };
    let wrong: string | undefined;
    if (error instanceof ApiError && error.status === 429) wrong = wait > 0 ? t("login.wait", { n: wait }) : undefined;
    else if (error instanceof ApiError && error.status === 401) wrong = t("login.wrong");
    else if (error) wrong = wordsOf(error);

    return (
        <main className="gate">
            <div className="gate-box">
                <div className="brand"><Mark size={30} />punktfunk</div>
                <form ref={form} className="card stack" onSubmit={(e) => {
                    e.preventDefault();
                    void submit();
                }}>
                    <h1>{t("login.title")}</h1>
                    {/* For password managers, which file by user. */}
                    <input type="text" className="hidden" autoComplete="username" value="punktfunk" readOnly tabIndex={-1} aria-hidden="true" />
                    <TextField label={t("login.password")} type={shown ? "text" : "password"} autoComplete="current-password"
                        required maxLength={1024} value={password} onChange={(e) => setPassword(e.target.value)} wrong={wrong} />
                    <Check label={t("login.show")} checked={shown} onChange={(e) => setShown(e.target.checked)} />
                    <Button type="submit" kind="primary" busy={busy} disabled={wait > 0}>{t("login.do")}</Button>
                </form>
                <div className="stack tight small muted">
                    <p>{t(set ? "login.hint" : "login.none")}</p>
                    <Command>{set ? "punktfunk-host console --new-password" : "punktfunk-host console"}</Command>
                </div>
                <div className="row" role="presentation"><LanguageChoice /></div>
            </div>
        </main>
    );
}
