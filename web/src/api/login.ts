// SPDX-License-Identifier: MIT OR Apache-2.0
// Who this browser is to the host.
import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { ApiError, errorOf, setCsrf } from "./client";

export interface Login {
    signed_in: boolean;
    password_set: boolean;
    csrf?: string;
}

async function ask(method: string, body?: object, token?: string): Promise<unknown> {
    let response: Response;
    try {
        response = await fetch("/api/v1/login", {
            method,
            credentials: "same-origin",
            headers: {
                ...(body ? { "Content-Type": "application/json" } : {}),
                ...(token ? { "X-CSRF-Token": token } : {}),
            },
            ...(body ? { body: JSON.stringify(body) } : {}),
        });
    } catch (e) {
        throw new ApiError(0, "unreachable", e instanceof Error ? e.message : String(e));
    }
    const got: unknown = response.status === 204 ? undefined : await response.json().catch(() => undefined);
    if (!response.ok) throw await errorOf(response, got);
    return got;
}

export const loginQuery = queryOptions({
    queryKey: ["login"],
    queryFn: async () => {
        const login = (await ask("GET")) as Login;
        setCsrf(login.csrf);
        return login;
    },
    staleTime: Infinity,
    retry: false,
});

export async function signIn(client: QueryClient, password: string) {
    const { csrf } = (await ask("POST", { password })) as { csrf: string };
    setCsrf(csrf);
    client.setQueryData<Login>(["login"], { signed_in: true, password_set: true, csrf });
}

export async function signOut(client: QueryClient) {
    await ask("DELETE", undefined, client.getQueryData<Login>(["login"])?.csrf);
    signedOut(client);
}

/** Forgets all that was read: somebody else may sign in here. */
export function signedOut(client: QueryClient) {
    setCsrf(undefined);
    client.setQueryData<Login>(["login"], { signed_in: false, password_set: true });
    client.removeQueries({ predicate: (q) => q.queryKey[0] !== "login" });
}
