// SPDX-License-Identifier: MIT OR Apache-2.0
// The typed client of the management API. A cookie alone changes nothing: changes carry the CSRF
// token that the log-in gave.
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** An answer that is no success, in the API's own words. Status 0: no answer came. */
export class ApiError extends Error {
    constructor(
        readonly status: number,
        readonly code: string,
        message: string,
        readonly retryAfterS?: number,
        /** What is wrong with each part of a change of several. */
        readonly fields?: Record<string, string>,
    ) {
        super(message);
    }
}

let csrf: string | undefined;
let onSignedOut: () => void = () => {};

export function setCsrf(token: string | undefined) {
    csrf = token;
}

/** Called when the host no longer knows this browser's session. */
export function whenSignedOut(then: () => void) {
    onSignedOut = then;
}

const guard: Middleware = {
    onRequest({ request }) {
        if (csrf && request.method !== "GET") request.headers.set("X-CSRF-Token", csrf);
        return request;
    },
    onResponse({ response, schemaPath }) {
        if (response.status === 401 && !(schemaPath as string).startsWith("/login")) onSignedOut();
    },
};

export const api = createClient<paths>({ baseUrl: "/api/v1", credentials: "same-origin" });
api.use(guard);

export async function errorOf(response: Response, body: unknown): Promise<ApiError> {
    const e = (body as { error?: { code?: string; message?: string; fields?: Record<string, string> } } | undefined)?.error;
    const wait = Number(response.headers.get("Retry-After"));
    return new ApiError(
        response.status,
        e?.code ?? "unknown",
        e?.message ?? `${response.status} ${response.statusText}`,
        Number.isFinite(wait) && wait > 0 ? wait : undefined,
        e?.fields,
    );
}

/** The data of an answer; throws ApiError for any other. `await take(api.GET("/status"))` */
export async function take<T>(
    answer: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<T> {
    let got;
    try {
        got = await answer;
    } catch (e) {
        throw new ApiError(0, "unreachable", e instanceof Error ? e.message : String(e));
    }
    if (!got.response.ok) throw await errorOf(got.response, got.error);
    return got.data as T;
}
