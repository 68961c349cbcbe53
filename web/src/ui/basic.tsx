// SPDX-License-Identifier: MIT OR Apache-2.0
import { useEffect, useId, useRef, useState, type ButtonHTMLAttributes, type ReactNode } from "react";
import { t } from "../i18n";
import { Icon, type IconName } from "./icon";

export type Tone = "ok" | "warn" | "bad" | "accent" | "plain";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
    kind?: "primary" | "danger" | "quiet";
    small?: boolean;
    icon?: IconName;
    /** While what it started is under way: no second click, and screen readers hear it. */
    busy?: boolean;
}

export function Button({ kind, small, icon, busy, children, className, ...rest }: ButtonProps) {
    const classes = ["button", kind, small && "small", className].filter(Boolean).join(" ");
    return (
        <button type="button" {...rest} className={classes} disabled={rest.disabled || busy} aria-busy={busy || undefined}>
            {icon && <Icon name={icon} size={18} />}
            {children}
        </button>
    );
}

/** A button that shows only a picture; its label is what screen readers say. */
export function IconButton({ icon, label, kind = "quiet", ...rest }: Omit<ButtonProps, "icon"> & { icon: IconName; label: string }) {
    return (
        <button type="button" {...rest} className={`button icon ${kind}`} aria-label={label} title={label}>
            <Icon name={icon} />
        </button>
    );
}

export function Badge({ tone = "plain", children }: { tone?: Tone; children: ReactNode }) {
    return <span className={`badge ${tone}`}>{children}</span>;
}

/** A part of a page with its own heading. */
export function Card({ title, actions, children, className }: {
    title?: ReactNode;
    actions?: ReactNode;
    children: ReactNode;
    className?: string;
}) {
    const id = useId();
    return (
        <section className={className ? `card ${className}` : "card"} aria-labelledby={title ? id : undefined}>
            {title && (
                <header>
                    <h2 id={id}>{title}</h2>
                    {actions && <div className="row">{actions}</div>}
                </header>
            )}
            {children}
        </section>
    );
}

/** The heading of a page; it takes the focus when one comes to the page, and names the window. */
export function PageHead({ title, lead, actions }: { title: string; lead?: ReactNode; actions?: ReactNode }) {
    const heading = useRef<HTMLHeadingElement>(null);
    useEffect(() => {
        document.title = `${title} · punktfunk`;
    }, [title]);
    useEffect(() => {
        // Not on the first page: there the reader starts at the top.
        if (document.body.dataset.moved) heading.current?.focus();
        document.body.dataset.moved = "yes";
    }, []);
    return (
        <div className="page-head">
            <div>
                <h1 ref={heading} tabIndex={-1}>{title}</h1>
                {lead && <p>{lead}</p>}
            </div>
            {actions && <div className="row">{actions}</div>}
        </div>
    );
}

/** Names and values. */
export function Facts({ items }: { items: (readonly [ReactNode, ReactNode] | false | undefined)[] }) {
    return (
        <dl className="facts">
            {items.map((item, i) => item && [<dt key={`${i}t`}>{item[0]}</dt>, <dd key={`${i}d`}>{item[1]}</dd>])}
        </dl>
    );
}

/** A few figures side by side, large. */
export function Figures({ items }: { items: (readonly [ReactNode, ReactNode] | false | undefined)[] }) {
    return (
        <dl className="figures">
            {items.map((item, i) => item && (
                <div key={i}>
                    <dt>{item[0]}</dt>
                    <dd>{item[1]}</dd>
                </div>
            ))}
        </dl>
    );
}

export function CopyButton({ text }: { text: string }) {
    const [done, setDone] = useState(false);
    useEffect(() => {
        if (!done) return;
        const timer = setTimeout(() => setDone(false), 2000);
        return () => clearTimeout(timer);
    }, [done]);
    return (
        <>
            <IconButton
                icon={done ? "check" : "copy"}
                label={t("act.copy")}
                onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true))}
            />
            <span className="hidden" role="status">{done ? t("act.copied") : ""}</span>
        </>
    );
}

/** A line for the shell, with a button that copies it. */
export function Command({ children }: { children: string }) {
    return (
        <div className="command">
            <code>{children}</code>
            <CopyButton text={children} />
        </div>
    );
}

/** One of a few; for more than four use a select. */
export function Choice<T extends string>({ label, value, options, onChange }: {
    label: string;
    value: T;
    options: readonly (readonly [T, string])[];
    onChange: (value: T) => void;
}) {
    return (
        <div className="tabs" role="group" aria-label={label}>
            {options.map(([v, text]) => (
                <button key={v} type="button" aria-pressed={v === value} onClick={() => onChange(v)}>{text}</button>
            ))}
        </div>
    );
}
