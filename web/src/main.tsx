// SPDX-License-Identifier: MIT OR Apache-2.0
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, whenSignedOut } from "./api/client";
import { signedOut } from "./api/login";
import { Gate } from "./app/gate";
import { router } from "./app/router";
import { getLanguage } from "./i18n";
import "./style/base.css";
import "./style/shell.css";
import "./style/pages.css";
import "./style/ui.css";

const client = new QueryClient({
    defaultOptions: {
        queries: {
            // The host says when something changed; see api/events.ts.
            staleTime: 60_000,
            refetchOnWindowFocus: false,
            networkMode: "always",
            retry: (times, e) => times < 2 && e instanceof ApiError && (e.status === 0 || e.status === 503),
        },
        mutations: { networkMode: "always" },
    },
});
whenSignedOut(() => signedOut(client));
document.documentElement.lang = getLanguage();

createRoot(document.getElementById("root") as HTMLElement).render(
    <StrictMode>
        <QueryClientProvider client={client}>
            <Gate>
                <RouterProvider router={router} />
            </Gate>
        </QueryClientProvider>
    </StrictMode>,
);
