// SPDX-License-Identifier: MIT OR Apache-2.0
// Nothing of the console is shown, and no event listened to, before this browser is signed in.
// The address stays what it was, so that a link leads to its page after the log-in.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, type ReactNode } from "react";
import { listen } from "../api/events";
import { forget, loginQuery } from "../api/login";
import { t, useLanguage } from "../i18n";
import { LoginPage } from "../pages/login";
import { Failed } from "../ui/state";
import { tell, Toasts } from "../ui/toast";

export function Gate({ children }: { children: ReactNode }) {
    useLanguage();
    const client = useQueryClient();
    const login = useQuery(loginQuery);
    const inside = login.data?.signed_in === true;
    useEffect(() => {
        if (!inside) return undefined;
        const stop = listen(client);
        return () => {
            stop();
            // Only now is nothing shown any more that would read it again.
            forget(client);
        };
    }, [client, inside]);
    // Also when the host ended the log-in, or is another one since.
    const was = useRef(false);
    useEffect(() => {
        if (was.current && !inside) tell(t("app.signedOut"));
        was.current = inside;
    }, [inside]);
    let shown: ReactNode = null;
    if (inside) shown = children;
    else if (login.data) shown = <LoginPage set={login.data.password_set} />;
    else if (login.isError) {
        shown = (
            <main className="gate">
                <Failed error={login.error} retry={() => void login.refetch()} />
            </main>
        );
    }
    return (
        <>
            {shown}
            <Toasts />
        </>
    );
}
