/** Languages, problem documents, bodies, forms, fields, and the order in which a call is judged. */

import { alice, answer, detail } from "../answers.ts";
import type { Call, HeaderPairs } from "../exchanges.ts";
import { asAlice, first, get, newcomer, type Own, portuguese, post, put } from "./calls.ts";

const problemJson: HeaderPairs = [["Accept", "application/problem+json"]];
const formType: HeaderPairs = [["Content-Type", "application/x-www-form-urlencoded"]];

const patchForm = (text: string): Call => ({
  ...{ method: "PATCH", path: "/api/auth/profile/", headers: [...asAlice, ...formType], text },
});
export const languages: readonly Own[] = [
  {
    id: "pt.change.wrong-current",
    request: post(
      "password/change/",
      { current_password: "x", new_password: "Fresh!Pass99", new_password_confirm: "Fresh!Pass99" },
      [...asAlice, ...portuguese],
    ),
    response: detail(400, "Senha atual incorreta."),
  },
  {
    id: "pt.change.done",
    request: post(
      "password/change/",
      {
        ...{ current_password: "Str0ngPass!alice" },
        ...{ new_password: "Fresh!Pass99", new_password_confirm: "Fresh!Pass99" },
      },
      [...asAlice, ...portuguese],
    ),
    response: detail(200, "Senha alterada com sucesso."),
  },
  {
    id: "pt.account.wrong-password",
    request: {
      ...{ method: "DELETE", path: "/api/auth/account/", headers: [...asAlice, ...portuguese] },
      json: { password: "x" },
    },
    response: detail(400, "Senha incorreta."),
  },
  {
    id: "pt.account.done",
    request: {
      ...{ method: "DELETE", path: "/api/auth/account/", headers: [...asAlice, ...portuguese] },
      json: { password: "Str0ngPass!alice" },
    },
    response: detail(200, "Conta deletada com sucesso."),
  },
  {
    id: "pt.fields",
    request: post("register/", { ...newcomer, email: "x", username: "", password: null, bio: 1 }, portuguese),
    response: answer(400, {
      email: ["Informe um endereço de e-mail válido."],
      username: ["Este campo não pode ficar em branco."],
      password: ["Este campo não pode ser nulo."],
      bio: ["Não é um texto válido."],
    }),
  },
  {
    id: "pt.token",
    request: get("/api/auth/profile/", [["Authorization", "Bearer x.y.z"], ...portuguese]),
    response: answer(401, {
      detail: "O token informado não é válido para nenhum tipo de token",
      code: "token_not_valid",
      messages: [
        { token_class: "AccessToken", token_type: "access", message: "O token é inválido ou expirou" },
      ],
    }),
  },
  {
    id: "pt.not-found",
    request: get("/api/auth/nope/", portuguese),
    response: detail(404, "Não encontrado."),
  },
  {
    id: "language-we-do-not-speak",
    request: get("/api/auth/nope/", [["Accept-Language", "de-DE"]]),
    response: detail(404, "Not found."),
  },
];

const problem = (status: number, title: string, rest: Readonly<Record<string, unknown>>) =>
  answer(
    status,
    { type: "about:blank", title, status, ...rest, ref: "<uuid>" },
    { "Content-Type": "application/problem+json" },
  );

export const problems: readonly Own[] = [
  {
    id: "problem.fields",
    request: post("login/", { email: "x" }, problemJson),
    response: problem(400, "Bad Request", {
      ...{ detail: "Enter a valid email address.", code: "invalid" },
      errors: { email: ["Enter a valid email address."], password: ["This field is required."] },
    }),
  },
  {
    id: "problem.form",
    request: post("login/", { email: "x@example.com", password: "x" }, problemJson),
    response: problem(400, "Bad Request", {
      ...{ detail: "Unable to log in with provided credentials.", code: "invalid_credentials" },
      errors: { non_field_errors: ["Unable to log in with provided credentials."] },
    }),
  },
  {
    id: "problem.token",
    request: get("/api/auth/profile/", [["Authorization", "Bearer x.y.z"], ...problemJson]),
    response: problem(401, "Unauthorized", {
      ...{ detail: "Given token not valid for any token type", code: "token_not_valid" },
    }),
  },
  {
    id: "problem.not-found-in-portuguese",
    request: get("/api/auth/nope/", [...portuguese, ...problemJson]),
    response: problem(404, "Not Found", { detail: "Não encontrado.", code: "not_found" }),
  },
  {
    id: "problem.method",
    request: get("/api/auth/login/", problemJson),
    response: problem(405, "Method Not Allowed", {
      ...{ detail: 'Method "GET" not allowed.', code: "method_not_allowed" },
    }),
  },
];

const preferencesOf = (length: number) => `{"a":"${"x".repeat(length - '{"a":""}'.length)}"}`;
const putPreferences = (text: string, rest: Partial<Call> = {}): Call => ({
  ...{ method: "PUT", path: "/api/auth/preferences/" },
  ...{ headers: [...asAlice, ["Content-Type", "application/json"]], text, ...rest },
});
const tooLarge = detail(413, "Request body is too large.");

export const bodies: readonly Own[] = [
  {
    id: "body.64-kib",
    request: putPreferences(preferencesOf(65_536)),
    response: answer(200, JSON.parse(preferencesOf(65_536))),
  },
  { id: "body.64-kib-and-a-byte", request: putPreferences(preferencesOf(65_537)), response: tooLarge },
  {
    id: "body.chunked",
    request: putPreferences('{"a":1}', { chunked: true }),
    response: answer(200, { a: 1 }),
  },
  {
    id: "body.chunked-64-kib",
    request: putPreferences(preferencesOf(65_536), { chunked: true }),
    response: answer(200, JSON.parse(preferencesOf(65_536))),
  },
  {
    id: "body.chunked-64-kib-and-a-byte",
    request: putPreferences(preferencesOf(65_537), { chunked: true }),
    response: tooLarge,
  },
  {
    id: "body.compressed",
    request: putPreferences("{}", {
      headers: [...asAlice, ["Content-Type", "application/json"], ["Content-Encoding", "gzip"]],
    }),
    response: detail(415, 'Unsupported media type "application/json" in request.'),
  },
  {
    id: "body.nan",
    request: putPreferences('{"a":NaN}'),
    response: detail(400, "JSON parse error - the body is not valid JSON"),
  },
  {
    id: "body.not-utf-8",
    request: {
      ...{ method: "PUT", path: "/api/auth/preferences/", base64: "Iv8i" },
      headers: [...asAlice, ["Content-Type", "application/json"]],
    },
    response: detail(400, "JSON parse error - the body is not UTF-8"),
  },
  {
    id: "body.byte-order-mark",
    request: putPreferences("\ufeff{}"),
    response: detail(400, "JSON parse error - the body is not valid JSON"),
  },
  {
    id: "body.top.float",
    request: post("login/", 1.5),
    response: answer(400, { non_field_errors: ["Invalid data. Expected a dictionary, but got float."] }),
  },
  {
    id: "body.top.big-integer",
    request: {
      ...post("login/", undefined),
      text: "12345678901234567890",
      headers: [["Content-Type", "application/json"]],
    },
    response: answer(400, { non_field_errors: ["Invalid data. Expected a dictionary, but got int."] }),
  },
  {
    id: "body.same-key-twice",
    request: putPreferences('{"a":1,"a":2}'),
    response: answer(200, { a: 2 }),
  },
  {
    id: "body.deep",
    request: putPreferences(`{"a":${"[".repeat(200)}${"]".repeat(200)}}`),
    response: answer(200, JSON.parse(`{"a":${"[".repeat(200)}${"]".repeat(200)}}`)),
  },
  {
    id: "body.endlessly-deep",
    request: putPreferences(`{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`),
    response: answer(400, { non_field_errors: ["Value must be valid JSON."] }),
  },
  {
    id: "body.big-integer-keeps-its-digits",
    setup: [first(putPreferences('{"id":9007199254740993}'), { expect: 200 })],
    request: get("/api/auth/preferences/", asAlice),
    response: { status: 200, text: '{"id":9007199254740993}' },
  },
];

const file = { filename: "a.txt", type: "text/plain", value: "hi" };
export const forms: readonly Own[] = [
  {
    id: "form.json-field",
    request: patchForm(`preferences=${encodeURIComponent('{"theme": "light"}')}`),
    response: answer(200, { ...alice, preferences: { theme: "light" } }),
  },
  {
    id: "form.json-field.not-json",
    request: patchForm("preferences=light"),
    response: answer(400, { preferences: ["Value must be valid JSON."] }),
  },
  {
    id: "form.json-field.empty",
    request: patchForm("preferences="),
    response: answer(400, { preferences: ["Value must be valid JSON."] }),
  },
  {
    id: "form.username-empty",
    request: patchForm("username="),
    response: answer(400, { username: ["This field may not be blank."] }),
  },
  {
    id: "form.last-of-two",
    request: patchForm("bio=one&bio=two"),
    response: answer(200, { ...alice, bio: "two" }),
  },
  {
    id: "form.plus-percent-and-bad-utf-8",
    request: patchForm("bio=a+b%20c%FF"),
    response: answer(200, { ...alice, bio: "a b c\ufffd" }),
  },
  {
    id: "multipart.file-for-text",
    request: {
      ...{ method: "PATCH", path: "/api/auth/profile/", headers: asAlice },
      multipart: [{ name: "bio", ...file }],
    },
    response: answer(400, { bio: ["Not a valid string."] }),
  },
  {
    id: "multipart.file-not-asked-for",
    request: {
      ...{ method: "PATCH", path: "/api/auth/profile/", headers: asAlice },
      multipart: [
        { name: "bio", value: "x" },
        { name: "other", ...file },
      ],
    },
    response: answer(200, { ...alice, bio: "x" }),
  },
  {
    id: "multipart.no-file-chosen",
    request: {
      ...{ method: "PATCH", path: "/api/auth/profile/", headers: asAlice },
      multipart: [{ name: "bio", filename: "", type: "application/octet-stream", value: "" }],
    },
    response: answer(200, alice),
  },
  {
    id: "multipart.json-field",
    request: {
      ...{ method: "PATCH", path: "/api/auth/profile/", headers: asAlice },
      multipart: [{ name: "preferences", value: "[1]" }],
    },
    response: answer(200, { ...alice, preferences: [1] }),
  },
  {
    id: "multipart.no-boundary",
    request: {
      ...{ method: "POST", path: "/api/auth/login/", headers: [["Content-Type", "multipart/form-data"]] },
      text: "x",
    },
    response: detail(400, "Multipart form parse error - Invalid boundary in multipart: None"),
  },
];

const longEmail = (length: number) => `${"a".repeat(length - "@example.com".length)}@example.com`;
const patchPicture = (profile_picture: string): Call => ({
  ...{ method: "PATCH", path: "/api/auth/profile/", headers: asAlice, json: { profile_picture } },
});
const withPicture = (profile_picture: string, avatar_url: string | null) =>
  answer(200, { ...alice, profile_picture, avatar_url });
export const fields: readonly Own[] = [
  {
    id: "email.254-registers",
    request: post("register/", { ...newcomer, email: longEmail(254) }),
    response: detail(201, "User registered successfully. Please check your email for verification."),
  },
  {
    id: "email.255-is-too-long-to-register",
    request: post("register/", { ...newcomer, email: longEmail(255) }),
    response: answer(400, { email: ["Ensure this field has no more than 254 characters."] }),
  },
  {
    id: "email.320-is-nobodys-at-login",
    request: post("login/", { email: longEmail(320), password: "x" }),
    response: answer(400, { non_field_errors: ["Unable to log in with provided credentials."] }),
  },
  {
    id: "email.321-is-no-address",
    request: post("login/", { email: longEmail(321), password: "x" }),
    response: answer(400, { email: ["Enter a valid email address."] }),
  },
  {
    id: "profile.read-only-and-unknown-are-ignored",
    request: put("profile/", {
      ...{ username: "alice", id: "x", email: "x", is_verified: false, plan: "pro" },
      ...{ image_generation_count: 9, avatar_url: "x", nonsense: 1 },
    }),
    response: answer(200, alice),
  },
  {
    id: "link.full-address-stays-as-stored",
    request: patchPicture("HTTP://X.example?a=[1]&b=%20"),
    response: withPicture("HTTP://X.example?a=[1]&b=%20", "HTTP://X.example?a=[1]&b=%20"),
  },
  {
    id: "link.full-address-is-written-in-ascii",
    request: patchPicture("https://x.example/é a.png"),
    response: withPicture("https://x.example/é a.png", "https://x.example/%C3%A9%20a.png"),
  },
  {
    id: "link.path-of-this-server",
    request: patchPicture("/media/é.png"),
    response: withPicture("/media/é.png", "http://<host>/media/%C3%A9.png"),
  },
  {
    id: "link.of-no-web-address",
    request: patchPicture("javascript:alert(1)"),
    response: withPicture("javascript:alert(1)", null),
  },
  {
    id: "password.256-code-points-are-enough",
    request: post("register/", { ...newcomer, password: "😀🎈".repeat(128), password2: "😀🎈".repeat(128) }),
    response: detail(201, "User registered successfully. Please check your email for verification."),
  },
];

export const order: readonly Own[] = [
  {
    id: "order.route-before-all",
    request: { ...post("nope/", undefined), text: "{", headers: [["Content-Type", "application/json"]] },
    response: detail(404, "Not found."),
  },
  {
    id: "order.method-before-credentials",
    request: get("/api/auth/account/"),
    response: answer(405, { detail: 'Method "GET" not allowed.' }, { Allow: "DELETE, OPTIONS" }),
  },
  {
    id: "order.fields-before-cross-field",
    request: post("password/reset/confirm/", { token: "x", new_password: "a", new_password_confirm: "b" }),
    response: answer(400, { token: ["Must be a valid UUID."] }),
  },
  {
    id: "order.cross-field-before-the-token",
    request: post("password/reset/confirm/", {
      ...{ token: "00000000-0000-4000-8000-000000000000", new_password: "a", new_password_confirm: "b" },
    }),
    response: answer(400, { new_password: ["Password fields didn't match."] }),
  },
  {
    id: "order.policy-before-the-current-password",
    request: post(
      "password/change/",
      { current_password: "wrong", new_password: "12345678", new_password_confirm: "12345678" },
      asAlice,
    ),
    response: answer(400, {
      new_password: ["This password is too common.", "This password is entirely numeric."],
    }),
  },
];

export const root: readonly Own[] = [
  {
    id: "root.tells-programs-where-it-is-described",
    request: get("/api/auth/"),
    response: answer(200, { reference: "http://<host>/_/docs/", openapi: "http://<host>/api/schema/" }),
  },
];
