// SPDX-License-Identifier: MIT OR Apache-2.0
// The host's log as it is written: filtered, held, exported.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useMemo, useRef, useState } from "react";
import { useLogLines, type LogLine } from "../api/events";
import { queries } from "../api/queries";
import { t, timeOfDay } from "../i18n";
import { Button, PageHead } from "../ui/basic";
import { SelectField, TextField } from "../ui/field";
import { Shown } from "../ui/state";
import { filterLog, joinLog, LEVELS, logText, type Level } from "./logic";

const AT_END_PX = 24;

export function Logs() {
    const before = useQuery(queries.logs);
    const live = useLogLines();
    const [level, setLevel] = useState<Level>("info");
    const [topic, setTopic] = useState("");
    const [text, setText] = useState("");
    const [held, setHeld] = useState<LogLine[]>();

    const all = useMemo(() => joinLog(before.data?.lines ?? [], live), [before.data, live]);
    const topics = useMemo(() => [...new Set(all.map((l) => l.topic))].sort(), [all]);
    const lines = held ?? all;
    const shown = useMemo(() => filterLog(lines, { level, topic, text }), [lines, level, topic, text]);
    const lastHeld = held?.at(-1)?.id ?? 0;
    const fresh = held ? all.filter((l) => l.id > lastHeld).length : 0;

    return (
        <>
            <PageHead
                title={t("nav.logs")}
                lead={t("log.shown", { n: shown.length, all: lines.length })}
                actions={
                    <>
                        <Button onClick={() => setHeld(held ? undefined : all)}>
                            {!held ? t("log.pause") : fresh ? t("log.resumeNew", { n: fresh }) : t("log.resume")}
                        </Button>
                        <Button icon="download" disabled={!shown.length} onClick={() => save(shown)}>
                            {t("log.export")}
                        </Button>
                    </>
                }
            />
            <div className="stack">
                <div className="filters">
                    <SelectField
                        label={t("log.level")}
                        options={LEVELS.map((l) => [l, t(`log.level.${l}`)] as const)}
                        value={level}
                        onChange={(e) => setLevel(e.target.value as Level)}
                    />
                    <SelectField
                        label={t("log.topic")}
                        options={[["", t("log.topicAll")], ...topics.map((x) => [x, x] as const)]}
                        value={topic}
                        onChange={(e) => setTopic(e.target.value)}
                    />
                    <TextField
                        label={t("log.search")}
                        type="search"
                        value={text}
                        onChange={(e) => setText(e.target.value)}
                    />
                </div>
                {before.data?.missed ? <p className="muted">{t("log.missed")}</p> : null}
                <Shown of={before}>{() => <Lines lines={shown} />}</Shown>
            </div>
        </>
    );
}

/** Follows the newest line as long as it is in sight. */
function Lines({ lines }: { lines: LogLine[] }) {
    const box = useRef<HTMLDivElement>(null);
    const follows = useRef(true);
    useEffect(() => {
        if (follows.current && box.current) box.current.scrollTop = box.current.scrollHeight;
    }, [lines]);
    return (
        <div
            ref={box}
            className="log"
            role="log"
            // Lines may come by the hundred: they are read on demand.
            aria-live="off"
            aria-label={t("log.lines")}
            tabIndex={0}
            onScroll={({ currentTarget: b }) => {
                follows.current = b.scrollHeight - b.scrollTop - b.clientHeight < AT_END_PX;
            }}
        >
            {lines.length ? (
                lines.map((l) => (
                    <div key={l.id} className={`line ${l.level}`}>
                        <time dateTime={l.at}>{timeOfDay(l.at)}</time>
                        <span className="level">{t(`log.is.${l.level}`)}</span>
                        <span className="topic">{l.topic}</span>
                        <span className="break">{l.text}</span>
                    </div>
                ))
            ) : (
                <p className="muted">{t("log.empty")}</p>
            )}
        </div>
    );
}

function save(lines: LogLine[]) {
    const url = URL.createObjectURL(new Blob([logText(lines)], { type: "text/plain" }));
    const a = document.createElement("a");
    a.href = url;
    a.download = `punktfunk-${new Date().toISOString().slice(0, 19).replace(/:/g, "-")}.log`;
    a.click();
    setTimeout(() => URL.revokeObjectURL(url));
}
