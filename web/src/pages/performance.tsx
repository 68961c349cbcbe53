// SPDX-License-Identifier: MIT OR Apache-2.0
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { sessionKey, useSamples } from "../api/live";
import { queries } from "../api/queries";
import { t } from "../i18n";
import { Card, Choice, PageHead } from "../ui/basic";
import { SelectField } from "../ui/field";
import { Empty, Loading, Shown } from "../ui/state";
import { Charts } from "./performance-charts";
import { Recordings } from "./recordings";

const WINDOWS = ["1", "5", "10"] as const;

function LiveCharts({ session, minutes }: { session: string; minutes: number }) {
    const all = useSamples(session);
    const newest = all.at(-1);
    if (!newest) {
        return (
            <Card>
                <Loading />
                <p className="muted">{t("perf.waiting")}</p>
            </Card>
        );
    }
    const from = newest.at - minutes * 60_000;
    return <Charts name="live" runs={[{ label: "", samples: all.filter((s) => s.at > from) }]} />;
}

function LivePart() {
    const status = useQuery(queries.status);
    const [chosen, choose] = useState<string>();
    const [minutes, setMinutes] = useState<(typeof WINDOWS)[number]>("1");
    return (
        <Shown of={status}>
            {({ sessions }) => {
                if (!sessions.length) {
                    return <Card><Empty icon="performance" title={t("perf.none")}>{t("perf.noneMore")}</Empty></Card>;
                }
                const names = sessions.map((s) => [sessionKey(s), s.name || s.client] as const);
                const key = names.find(([k]) => k === chosen)?.[0] ?? names[0]?.[0] ?? "";
                return (
                    <div className="stack">
                        <div className="row spread">
                            {names.length > 1 ? (
                                <SelectField label={t("perf.session")} options={names} value={key} onChange={(e) => choose(e.target.value)} />
                            ) : (
                                <h2>{names[0]?.[1]}</h2>
                            )}
                            <Choice label={t("perf.window")} value={minutes} onChange={setMinutes}
                                options={WINDOWS.map((w) => [w, t("perf.minutes", { n: Number(w) })] as const)} />
                        </div>
                        <LiveCharts key={key} session={key} minutes={Number(minutes)} />
                    </div>
                );
            }}
        </Shown>
    );
}

export function Performance() {
    return (
        <>
            <PageHead title={t("perf.title")} lead={t("perf.lead")} />
            <div className="stack">
                <LivePart />
                <Recordings />
            </div>
        </>
    );
}
