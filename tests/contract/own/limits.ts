/** How often: what is counted, when it is said, and for how long. */

import { alice, answer, signedIn } from "../answers.ts";
import { asAlice, first, get, login, newcomer, type Own, portuguese, post } from "./calls.ts";

const throttled = (seconds: string, unit = "seconds") =>
  answer(
    429,
    { detail: `Request was throttled. Expected available in ${seconds} ${unit}.` },
    { "Retry-After": seconds },
  );

const wrongLogin = (times: number) => first(login("wrong"), { expect: 400, repeat: times });

const wrongChange = post(
  "password/change/",
  { current_password: "x", new_password: "Fresh!Pass99", new_password_confirm: "Fresh!Pass99" },
  asAlice,
);

const unknownLink = post("password/reset/confirm/", {
  token: "0b7e4c1a-6f0d-4a53-9d35-2f6a1c8e7b90",
  ...{ new_password: "Fresh!Pass99", new_password_confirm: "Fresh!Pass99" },
});

export const limits: readonly Own[] = [
  {
    id: "limit.login-by-account",
    setup: [wrongLogin(10)],
    request: login("wrong"),
    response: throttled("900"),
  },
  {
    id: "limit.one-second",
    setup: [wrongLogin(10), { op: "wait", span: "899s" }],
    request: login("wrong"),
    response: throttled("1", "second"),
  },
  {
    id: "limit.over",
    setup: [wrongLogin(10), { op: "wait", span: "900s" }],
    request: login(),
    response: signedIn(alice),
  },
  {
    id: "limit.in-portuguese",
    setup: [wrongLogin(10)],
    request: { ...login("wrong"), headers: portuguese },
    response: answer(
      429,
      { detail: "Requisição limitada. Disponível novamente em 900 segundos." },
      { "Retry-After": "900" },
    ),
  },
  {
    id: "limit.fields-before-limits-by-account",
    setup: [wrongLogin(10)],
    request: post("login/", { email: "alice@example.com" }),
    response: answer(400, { password: ["This field is required."] }),
  },
  {
    id: "limit.by-address-before-the-body",
    setup: [first(login("x", "x@example.com"), { repeat: 10 }), first(post("login/", {}), { repeat: 20 })],
    request: { ...post("login/", undefined), text: "{", headers: [["Content-Type", "application/json"]] },
    response: throttled("60"),
  },
  {
    id: "limit.register",
    setup: [first(post("register/", {}), { expect: 400, repeat: 20 })],
    request: post("register/", newcomer),
    response: throttled("3600"),
  },
  {
    id: "limit.reset-request",
    setup: [first(post("password/reset/request/", { email: "x@example.com" }), { expect: 200, repeat: 20 })],
    request: post("password/reset/request/", { email: "x@example.com" }),
    response: throttled("3600"),
  },
  {
    id: "limit.reset-confirm",
    setup: [first(unknownLink, { expect: 400, repeat: 30 })],
    request: unknownLink,
    response: throttled("3600"),
  },
  {
    id: "limit.resend",
    setup: [first(post("verify-email/resend/", { email: "x@example.com" }), { expect: 200, repeat: 20 })],
    request: post("verify-email/resend/", { email: "x@example.com" }),
    response: throttled("3600"),
  },
  {
    id: "limit.code",
    setup: [first(post("verify-email/", { email: "x@example.com", code: "x" }), { expect: 400, repeat: 20 })],
    request: post("verify-email/", { email: "x@example.com", code: "x" }),
    response: throttled("3600"),
  },
  {
    id: "limit.change",
    setup: [first(wrongChange, { expect: 400, repeat: 10 })],
    request: wrongChange,
    response: throttled("900"),
  },
  {
    id: "limit.delete-shares-the-guesses-of-change",
    setup: [first(wrongChange, { expect: 400, repeat: 10 })],
    request: {
      ...{ method: "DELETE", path: "/api/auth/account/", headers: asAlice },
      json: { password: "Str0ngPass!alice" },
    },
    response: throttled("900"),
  },
  {
    id: "limit.reads-by-address",
    setup: [first(post("token/verify/", {}), { expect: 400, repeat: 600 })],
    request: post("token/verify/", {}),
    response: throttled("60"),
  },
  {
    id: "limit.reads-by-account",
    setup: [first(get("/api/auth/profile/", asAlice), { expect: 200, repeat: 600 })],
    request: get("/api/auth/sessions/", asAlice),
    response: throttled("60"),
  },
];
