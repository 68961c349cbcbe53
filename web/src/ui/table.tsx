// SPDX-License-Identifier: MIT OR Apache-2.0
import type { ReactNode } from "react";

export interface Column<T> {
    /** "" for a column of buttons; screen readers then hear `label`. */
    head: string;
    label?: string;
    cell: (row: T) => ReactNode;
    number?: boolean;
}

/** A table that folds into small cards on narrow screens. */
export function Table<T>({ caption, columns, rows, rowKey }: {
    caption: string;
    columns: Column<T>[];
    rows: readonly T[];
    rowKey: (row: T) => string | number;
}) {
    return (
        <div className="table-wrap">
            <table className="table folds">
                <caption className="hidden">{caption}</caption>
                <thead>
                    <tr>
                        {columns.map((c, i) => (
                            <th key={i} scope="col" className={c.number ? "num" : undefined}>
                                {c.head || <span className="hidden">{c.label}</span>}
                            </th>
                        ))}
                    </tr>
                </thead>
                <tbody>
                    {rows.map((row) => (
                        <tr key={rowKey(row)}>
                            {columns.map((c, i) => (
                                <td key={i} data-label={c.head} className={c.number ? "num" : undefined}>{c.cell(row)}</td>
                            ))}
                        </tr>
                    ))}
                </tbody>
            </table>
        </div>
    );
}
