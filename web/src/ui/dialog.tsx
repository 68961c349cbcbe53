// SPDX-License-Identifier: MIT OR Apache-2.0
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { t } from "../i18n";
import { Button, IconButton } from "./basic";
import { wordsOf } from "./state";

/** A modal dialog. It is shown while it is rendered; Escape and the cross call onClose. */
export function Dialog({ title, onClose, children, footer, onSubmit, wide }: {
    title: string;
    onClose: () => void;
    children: ReactNode;
    footer?: ReactNode;
    /** With it the body is a form. */
    onSubmit?: () => void;
    wide?: boolean;
}) {
    const ref = useRef<HTMLDialogElement>(null);
    const id = useId();
    useEffect(() => {
        const d = ref.current;
        const before = document.activeElement;
        d?.showModal();
        // Not the cross, where the browser would begin.
        d?.querySelector<HTMLElement>(".input, .dialog-body > :not(header) input, footer button")?.focus();
        return () => {
            d?.close();
            if (before instanceof HTMLElement) before.focus();
        };
    }, []);
    const body = (
        <>
            <header>
                <h2 id={id}>{title}</h2>
                <IconButton icon="close" label={t("act.close")} onClick={onClose} />
            </header>
            {children}
            {footer && <footer>{footer}</footer>}
        </>
    );
    return (
        <dialog
            ref={ref}
            aria-labelledby={id}
            className={wide ? "wide" : undefined}
            onCancel={(e) => {
                e.preventDefault();
                onClose();
            }}
        >
            {onSubmit ? (
                <form
                    className="dialog-body"
                    onSubmit={(e) => {
                        e.preventDefault();
                        onSubmit();
                    }}
                >
                    {body}
                </form>
            ) : (
                <div className="dialog-body">{body}</div>
            )}
        </dialog>
    );
}

/** Asks before `act`, stays open while it runs, and shows what went wrong. */
export function Confirm({ title, children, verb, danger, act, onClose }: {
    title: string;
    children: ReactNode;
    verb: string;
    danger?: boolean;
    act: () => Promise<unknown>;
    onClose: () => void;
}) {
    const [busy, setBusy] = useState(false);
    const [error, setError] = useState<unknown>();
    return (
        <Dialog
            title={title}
            onClose={onClose}
            onSubmit={() => {
                setBusy(true);
                act().then(onClose, (e: unknown) => {
                    setError(e);
                    setBusy(false);
                });
            }}
            footer={
                <>
                    <Button onClick={onClose}>{t("act.cancel")}</Button>
                    <Button type="submit" kind={danger ? "danger" : "primary"} busy={busy}>{verb}</Button>
                </>
            }
        >
            <div className="muted">{children}</div>
            {error !== undefined && <Wrong error={error} />}
        </Dialog>
    );
}

/** What went wrong, inside a form. */
export function Wrong({ error }: { error: unknown }) {
    return (
        <div className="banner bad" role="alert">
            <div>
                <strong>{t("state.failed")}</strong>
                <div className="break">{wordsOf(error)}</div>
            </div>
        </div>
    );
}
