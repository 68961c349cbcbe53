// SPDX-License-Identifier: MIT OR Apache-2.0
// Who this browser is to the host.
import { queryOptions, type QueryClient } from "@tanstack/react-query";
import { api, setCsrf, take, type Schemas } from "./client";

export const loginQuery = queryOptions({
    queryKey: ["login"],
    queryFn: async () => {
        const login = await take(api.GET("/login"));
        setCsrf(login.csrf);
        return login;
    },
    staleTime: Infinity,
    retry: false,
});

function set(client: QueryClient, login: Schemas["Login"]) {
    setCsrf(login.csrf);
    client.setQueryData(loginQuery.queryKey, login);
}

export async function signIn(client: QueryClient, password: string) {
    const { csrf } = await take(api.POST("/login", { body: { password } }));
    set(client, { signed_in: true, password_set: true, csrf });
}

export async function signOut(client: QueryClient) {
    await take(api.DELETE("/login"));
    signedOut(client);
}

export function signedOut(client: QueryClient) {
    set(client, { signed_in: false, password_set: true });
}

/** Forgets all that was read: somebody else may sign in here. */
export function forget(client: QueryClient) {
    client.removeQueries({ predicate: (q) => q.queryKey[0] !== "login" });
}
