// SPDX-License-Identifier: MIT OR Apache-2.0
import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

const answers: Response[] = [];
const asked: Request[] = [];

vi.stubGlobal("fetch", async (input: Request | string, init?: RequestInit) => {
    asked.push(input instanceof Request ? input : new Request(new URL(input, "https://localhost:1"), init));
    const answer = answers.shift();
    if (!answer) throw new TypeError("connection refused");
    return answer;
});
// openapi-fetch makes its requests with the address of the page.
const RealRequest = Request;
vi.stubGlobal("Request", class extends RealRequest {
    constructor(input: RequestInfo | URL, init?: RequestInit) {
        super(typeof input === "string" ? new URL(input, "https://localhost:1") : input, init);
    }
});

const { ApiError, api, setCsrf, take, whenSignedOut } = await import("../src/api/client");
const { forget, loginQuery, signIn, signOut } = await import("../src/api/login");

const json = (status: number, body: object, headers = {}) =>
    new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json", ...headers } });

beforeEach(() => {
    answers.length = 0;
    asked.length = 0;
});
afterEach(() => setCsrf(undefined));

test("changes carry the CSRF token, reads do not", async () => {
    setCsrf("t0k3n");
    answers.push(json(200, {}), new Response(null, { status: 204 }));
    await take(api.GET("/status"));
    await take(api.DELETE("/pair/arm"));
    expect(asked[0]?.headers.get("X-CSRF-Token")).toBeNull();
    expect(asked[1]?.headers.get("X-CSRF-Token")).toBe("t0k3n");
});

test("an error keeps the words of the host", async () => {
    answers.push(json(409, { error: { code: "conflict", message: "busy" } }));
    await expect(take(api.GET("/status"))).rejects.toMatchObject({ status: 409, code: "conflict", message: "busy" });
});

test("a host that is gone is told apart", async () => {
    const e = await take(api.GET("/status")).catch((x: unknown) => x);
    expect(e).toBeInstanceOf(ApiError);
    expect(e).toMatchObject({ status: 0, code: "unreachable" });
});

test("401 says that the session is over", async () => {
    const over = vi.fn();
    whenSignedOut(over);
    answers.push(json(401, { error: { code: "unauthorized", message: "no" } }));
    await expect(take(api.GET("/status"))).rejects.toMatchObject({ status: 401 });
    expect(over).toHaveBeenCalledOnce();
});

test("log-in and log-out", async () => {
    const client = new QueryClient();
    answers.push(json(429, { error: { code: "x", message: "slow" } }, { "Retry-After": "7" }));
    await expect(signIn(client, "wrong")).rejects.toMatchObject({ status: 429, retryAfterS: 7 });

    answers.push(json(200, { csrf: "abc" }));
    await signIn(client, "right");
    expect(client.getQueryData(loginQuery.queryKey)).toMatchObject({ signed_in: true });
    client.setQueryData(["status"], { secret: 1 });

    answers.push(new Response(null, { status: 204 }));
    await signOut(client);
    expect(asked.at(-1)?.headers.get("X-CSRF-Token")).toBe("abc");
    expect(client.getQueryData(loginQuery.queryKey)).toMatchObject({ signed_in: false });
    // The gate does so when nothing is shown any more.
    forget(client);
    expect(client.getQueryData(["status"])).toBeUndefined();
    expect(client.getQueryData(loginQuery.queryKey)).toMatchObject({ signed_in: false });
});
