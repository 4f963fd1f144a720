/** Calls and steps that our own exchanges are made of. */

import type { Call, Exchange, HeaderPairs, RequestStep } from "../exchanges.ts";

export type Own = Omit<Exchange, "group" | "profile">;

export const portuguese: HeaderPairs = [["Accept-Language", "pt-BR,pt;q=0.9,en;q=0.5"]];
export const asAlice: HeaderPairs = [["Authorization", "Bearer <tok:access:alice>"]];

export const post = (path: string, json: unknown, headers: HeaderPairs = []): Call => ({
  ...{ method: "POST", path: `/api/auth/${path}`, headers, json },
});
export const get = (path: string, headers: HeaderPairs = []): Call => ({ method: "GET", path, headers });
export const put = (path: string, json: unknown): Call => ({
  ...{ method: "PUT", path: `/api/auth/${path}`, headers: asAlice, json },
});
export const first = (call: Call, rest: Omit<RequestStep, keyof Call | "op"> = {}): RequestStep => ({
  ...{ op: "request", ...call, ...rest },
});

export const login = (password = "Str0ngPass!alice", email = "alice@example.com") =>
  post("login/", { email, password });
export const newcomer = {
  ...{ email: "new@example.com", username: "newuser", password: "Str0ngPass!new" },
  ...{ password2: "Str0ngPass!new", first_name: "New", last_name: "User" },
};
export const registerFirst = (names: Pick<RequestStep, "capture_code" | "capture_mail"> = {}) =>
  first(post("register/", newcomer), { expect: 201, ...names });
export const signInFirst = first(login(), { expect: 200, capture: { refresh: "refresh", access: "access" } });
