/** Signing out, tokens, links and codes. */

import {
  alice,
  answer,
  bearerInvalid,
  detail,
  notAuthenticated,
  signedIn,
  tokenInvalid,
} from "../answers.ts";
import type { Call, HeaderPairs } from "../exchanges.ts";
import { asAlice, first, get, login, newcomer, type Own, post, registerFirst, signInFirst } from "./calls.ts";

const carolsLink = "/api/auth/verify-email/5e41f400-0000-4000-8000-0000000000c1/";
const resetToken = "0e5e7000-0000-4000-8000-0000000000a1";

const verified = detail(200, "Email verified successfully. You can now log in.");
const codeInvalid = answer(400, { code: ["Invalid or expired verification code."] });
const resent = detail(
  200,
  "If an account with this email is waiting for verification, a new message has been sent.",
);
const loggedOut = detail(200, "Successfully logged out.");

export const logout: readonly Own[] = [
  {
    id: "logout.refresh",
    setup: [signInFirst],
    request: post("logout/", { refresh: "<var:refresh>" }),
    response: loggedOut,
  },
  {
    id: "logout.refresh-is-dead-after",
    setup: [signInFirst, first(post("logout/", { refresh: "<var:refresh>" }), { expect: 200 })],
    request: post("token/refresh/", { refresh: "<var:refresh>" }),
    response: answer(401, { detail: "Token is blacklisted", code: "token_not_valid" }),
  },
  {
    id: "logout.access-is-dead-after",
    setup: [signInFirst, first(post("logout/", { refresh: "<var:refresh>" }), { expect: 200 })],
    request: get("/api/auth/profile/", [["Authorization", "Bearer <var:access>"]]),
    response: bearerInvalid,
  },
  {
    id: "logout.bearer-alone",
    setup: [signInFirst],
    request: post("logout/", {}, [["Authorization", "Bearer <var:access>"]]),
    response: loggedOut,
  },
  {
    id: "logout.bearer-alone-without-body",
    setup: [signInFirst],
    request: {
      ...{ method: "POST", path: "/api/auth/logout/", headers: [["Authorization", "Bearer <var:access>"]] },
    },
    response: loggedOut,
  },
  {
    id: "logout.dead-token",
    request: post("logout/", { refresh: "<tok:refresh:expired>" }),
    response: loggedOut,
  },
  { id: "logout.garbage", request: post("logout/", { refresh: "<tok:garbage>" }), response: loggedOut },
  { id: "logout.no-token", request: post("logout/", {}), response: notAuthenticated },
  {
    id: "logout.refresh.null",
    request: post("logout/", { refresh: null }),
    response: answer(400, { refresh: ["This field may not be null."] }),
  },
];

export const resend: readonly Own[] = [
  {
    id: "resend.pending",
    request: post("verify-email/resend/", { email: "carol@example.com" }),
    response: resent,
  },
  {
    id: "resend.verified",
    request: post("verify-email/resend/", { email: "bob@example.com" }),
    response: resent,
  },
  {
    id: "resend.unknown",
    request: post("verify-email/resend/", { email: "x@example.com" }),
    response: resent,
  },
  {
    id: "resend.mails-a-good-link",
    setup: [
      first(post("verify-email/resend/", { email: "carol@example.com" }), { expect: 200, capture_mail: "t" }),
    ],
    request: { method: "POST", path: "/api/auth/verify-email/<var:t>/" },
    response: verified,
  },
  {
    id: "resend.earlier-link-stays-good",
    setup: [first(post("verify-email/resend/", { email: "carol@example.com" }), { expect: 200 })],
    request: { method: "POST", path: carolsLink },
    response: verified,
  },
  {
    id: "resend.email.missing",
    request: post("verify-email/resend/", {}),
    response: answer(400, { email: ["This field is required."] }),
  },
];

export const verifyByCode: readonly Own[] = [
  {
    id: "code.right",
    setup: [registerFirst({ capture_code: "code" })],
    request: post("verify-email/", { email: newcomer.email, code: "<var:code>" }),
    response: verified,
  },
  {
    id: "code.right-then-login",
    setup: [
      registerFirst({ capture_code: "code" }),
      first(post("verify-email/", { email: newcomer.email, code: "<var:code>" }), { expect: 200 }),
    ],
    request: login(newcomer.password, newcomer.email),
    response: signedIn({
      ...{ ...alice, id: "<uuid>", email: newcomer.email, username: newcomer.username },
      ...{ first_name: "New", last_name: "User", bio: "", preferences: {} },
    }),
  },
  {
    id: "code.twice",
    setup: [
      registerFirst({ capture_code: "code" }),
      first(post("verify-email/", { email: newcomer.email, code: "<var:code>" }), { expect: 200 }),
    ],
    request: post("verify-email/", { email: newcomer.email, code: "<var:code>" }),
    response: codeInvalid,
  },
  {
    id: "code.expired",
    setup: [registerFirst({ capture_code: "code" }), { op: "wait", span: "15m" }],
    request: post("verify-email/", { email: newcomer.email, code: "<var:code>" }),
    response: codeInvalid,
  },
  {
    id: "code.after-five-wrong-tries",
    setup: [
      registerFirst({ capture_code: "code" }),
      first(post("verify-email/", { email: newcomer.email, code: "x" }), { expect: 400, repeat: 5 }),
    ],
    request: post("verify-email/", { email: newcomer.email, code: "<var:code>" }),
    response: codeInvalid,
  },
  {
    id: "code.unknown-address",
    request: post("verify-email/", { email: "x@example.com", code: "123456" }),
    response: codeInvalid,
  },
  {
    id: "code.all-missing",
    request: post("verify-email/", {}),
    response: answer(400, { email: ["This field is required."], code: ["This field is required."] }),
  },
];

export const links: readonly Own[] = [
  {
    id: "link.get-without-saying-it-is-a-script",
    request: get(carolsLink),
    response: detail(200, "Press the button to verify that this address is yours."),
  },
  {
    id: "link.get-without-saying-it-is-a-script-changes-nothing",
    setup: [first(get(carolsLink), { expect: 200 })],
    request: login("Str0ngPass!carol", "carol@example.com"),
    response: answer(400, { non_field_errors: ["Please verify your email before logging in."] }),
  },
  {
    id: "link.head-changes-nothing",
    setup: [
      first({ method: "HEAD", path: carolsLink, headers: [["Accept", "application/json"]] }, { expect: 200 }),
    ],
    request: login("Str0ngPass!carol", "carol@example.com"),
    response: answer(400, { non_field_errors: ["Please verify your email before logging in."] }),
  },
  {
    id: "link.prefetch-changes-nothing",
    setup: [
      first(
        get(carolsLink, [
          ["Accept", "application/json"],
          ["Sec-Purpose", "prefetch"],
        ]),
        { expect: 200 },
      ),
    ],
    request: login("Str0ngPass!carol", "carol@example.com"),
    response: answer(400, { non_field_errors: ["Please verify your email before logging in."] }),
  },
  { id: "link.get-by-fetch", request: get(carolsLink, [["Sec-Fetch-Mode", "cors"]]), response: verified },
  {
    id: "link.get-by-axios",
    request: get(carolsLink, [["Accept", "application/json, text/plain, */*"]]),
    response: verified,
  },
  {
    id: "link.post-unknown",
    request: { method: "POST", path: "/api/auth/verify-email/nope/" },
    response: detail(400, "Invalid or expired verification token."),
  },
  {
    id: "link.get-unknown",
    request: get("/api/auth/verify-email/nope/", [["Accept", "application/json"]]),
    response: detail(400, "Invalid or expired verification token."),
  },
];

export const tokens: readonly Own[] = [
  {
    id: "token.disabled-user",
    request: get("/api/auth/profile/", [["Authorization", "Bearer <tok:access:disabled-user>"]]),
    response: answer(401, { detail: "User is inactive", code: "user_inactive" }),
  },
  {
    id: "token.deleted-user",
    setup: [{ op: "delete_user", user: "alice" }],
    request: get("/api/auth/profile/", asAlice),
    response: answer(401, { detail: "User not found", code: "user_not_found" }),
  },
  {
    id: "token.ours-verifies",
    setup: [signInFirst],
    request: post("token/verify/", { token: "<var:access>" }),
    response: answer(200, {}),
  },
  {
    id: "token.ours-verifies-at-the-older-path",
    setup: [signInFirst],
    request: { method: "POST", path: "/api/token/verify/", json: { token: "<var:refresh>" } },
    response: answer(200, {}),
  },
  {
    id: "token.used-up-does-not-verify",
    setup: [signInFirst, first(post("token/refresh/", { refresh: "<var:refresh>" }), { expect: 200 })],
    request: post("token/verify/", { token: "<var:refresh>" }),
    response: tokenInvalid,
  },
  {
    id: "token.access-is-no-refresh-token",
    setup: [signInFirst],
    request: post("token/refresh/", { refresh: "<var:access>" }),
    response: answer(401, { detail: "Token has wrong type", code: "token_not_valid" }),
  },
  {
    id: "token.whose-successor-nobody-used-gets-the-same-again",
    setup: [
      signInFirst,
      first(post("token/refresh/", { refresh: "<var:refresh>" }), {
        expect: 200,
        capture: { next: "refresh" },
      }),
      { op: "wait", span: "1h" },
    ],
    request: post("token/refresh/", { refresh: "<var:refresh>" }),
    response: answer(200, { access: "<access>", refresh: "<var:next>" }),
  },
  {
    id: "token.whose-successor-was-used-is-reuse",
    setup: [
      signInFirst,
      first(post("token/refresh/", { refresh: "<var:refresh>" }), {
        expect: 200,
        capture: { next: "refresh" },
      }),
      first(post("token/refresh/", { refresh: "<var:next>" }), { expect: 200 }),
    ],
    request: post("token/refresh/", { refresh: "<var:refresh>" }),
    response: answer(401, { detail: "Token is blacklisted", code: "token_not_valid" }),
  },
  {
    id: "token.expires-on-the-second",
    setup: [signInFirst, { op: "wait", span: "15m" }],
    request: get("/api/auth/profile/", [["Authorization", "Bearer <var:access>"]]),
    response: bearerInvalid,
  },
  {
    id: "token.of-a-blacklisted-refresh",
    request: post("token/refresh/", { refresh: "<tok:refresh:alice:blacklisted>" }),
    response: answer(401, { detail: "Token is blacklisted", code: "token_not_valid" }),
  },
  {
    id: "token.after-reset",
    setup: [
      signInFirst,
      first(
        post("password/reset/confirm/", {
          ...{ token: resetToken, new_password: "Fresh!Pass99", new_password_confirm: "Fresh!Pass99" },
        }),
        { expect: 200 },
      ),
    ],
    request: get("/api/auth/profile/", [["Authorization", "Bearer <var:access>"]]),
    response: bearerInvalid,
  },
];

const withAccess: HeaderPairs = [["Authorization", "Bearer <var:access>"]];
const sessionsPath = "/api/auth/sessions/";
const endSession = (id: string, headers: HeaderPairs = withAccess): Call => ({
  ...{ method: "DELETE", path: `${sessionsPath}${id}/`, headers },
});

export const devices: readonly Own[] = [
  { id: "sessions.none", request: get(sessionsPath, asAlice), response: answer(200, []) },
  {
    id: "sessions.list",
    setup: [signInFirst],
    request: get(sessionsPath, withAccess),
    response: answer(200, [
      {
        ...{ id: "<uuid>", device: "Unknown device", user_agent: "<any>", address: "127.0.0.1" },
        ...{ created_at: "<any>", last_used_at: "<any>", expires_at: "<any>", current: true },
      },
    ]),
  },
  {
    id: "sessions.too-many-on-a-page",
    request: get(`${sessionsPath}?limit=101`, asAlice),
    response: answer(400, { limit: ["Ask for 1 to 100."] }),
  },
  { id: "sessions.no-token", request: get(sessionsPath), response: notAuthenticated },
  {
    id: "sessions.end",
    setup: [signInFirst, first(get(sessionsPath, withAccess), { expect: 200, capture: { id: "0.id" } })],
    request: endSession("<var:id>"),
    response: detail(200, "The device has been signed out."),
  },
  {
    id: "sessions.end.acts-at-once",
    setup: [
      signInFirst,
      first(get(sessionsPath, withAccess), { expect: 200, capture: { id: "0.id" } }),
      first(endSession("<var:id>"), { expect: 200 }),
    ],
    request: get("/api/auth/profile/", withAccess),
    response: bearerInvalid,
  },
  {
    id: "sessions.end.another's",
    setup: [signInFirst, first(get(sessionsPath, withAccess), { expect: 200, capture: { id: "0.id" } })],
    request: endSession("<var:id>", [["Authorization", "Bearer <tok:access:bob>"]]),
    response: detail(404, "Not found."),
  },
  { id: "sessions.end.no-token", request: endSession("x", []), response: notAuthenticated },
];
