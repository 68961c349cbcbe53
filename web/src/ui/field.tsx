// SPDX-License-Identifier: MIT OR Apache-2.0
import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from "react";

interface Around {
    label: ReactNode;
    help?: ReactNode;
    /** What is wrong with the value. */
    wrong?: ReactNode;
}

function around({ label, help, wrong }: Around, id: string, control: ReactNode) {
    return (
        <div className="field">
            <label htmlFor={id}>{label}</label>
            {control}
            {help && <div className="help" id={`${id}h`}>{help}</div>}
            {wrong && <div className="wrong" id={`${id}w`} role="alert">{wrong}</div>}
        </div>
    );
}

function described({ help, wrong }: Around, id: string) {
    const by = [help && `${id}h`, wrong && `${id}w`].filter(Boolean).join(" ");
    return { id, "aria-describedby": by || undefined, "aria-invalid": wrong ? true : undefined, className: "input" } as const;
}

export function TextField({ label, help, wrong, ...rest }: Around & InputHTMLAttributes<HTMLInputElement>) {
    const id = useId();
    const a = { label, help, wrong };
    return around(a, id, <input type="text" autoComplete="off" spellCheck={false} {...rest} {...described(a, id)} />);
}

export function TextArea({ label, help, wrong, ...rest }: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
    const id = useId();
    const a = { label, help, wrong };
    return around(a, id, <textarea spellCheck={false} {...rest} {...described(a, id)} />);
}

export function SelectField({ label, help, wrong, options, ...rest }: Around & SelectHTMLAttributes<HTMLSelectElement> & {
    options: readonly (readonly [string, string])[];
}) {
    const id = useId();
    const a = { label, help, wrong };
    return around(a, id, (
        <select {...rest} {...described(a, id)}>
            {options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
        </select>
    ));
}

export function Check({ label, ...rest }: { label: ReactNode } & InputHTMLAttributes<HTMLInputElement>) {
    return (
        <label className="check">
            <input type="checkbox" {...rest} />
            <span>{label}</span>
        </label>
    );
}

export function Switch({ label, ...rest }: { label: string } & InputHTMLAttributes<HTMLInputElement>) {
    return (
        <span className="switch">
            <input type="checkbox" role="switch" aria-label={label} {...rest} />
        </span>
    );
}
