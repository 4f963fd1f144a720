/** Every recorded exchange that we answer otherwise on purpose: which line allows it, and what we answer. */

import { alice, answer, bearerInvalid, detail, notAuthenticated, signedIn, tokenInvalid } from "./answers.ts";
import type { Expected } from "./exchanges.ts";
import type { LineName } from "./lines.ts";
import type { Adjustment } from "./play.ts";

export interface Difference extends Adjustment {
  readonly line: LineName;
  readonly exchanges: readonly string[];
  /** Ours; unsaid where the answer is as recorded once the exchange is adjusted. */
  readonly ours?: Expected;
}

const wrongType = (field: string): Expected => answer(400, { [field]: ["Not a valid string."] });

const userNotFound: Expected = {
  ...answer(401, { detail: "User not found", code: "user_not_found" }),
  headers: notAuthenticated.headers ?? {},
};
const throttled: Expected = {
  ...detail(429, "Request was throttled. Expected available in <seconds> seconds."),
  headers: { "Retry-After": "<seconds>" },
};
const notFound = detail(404, "Not found.");
const registered = detail(201, "User registered successfully. Please check your email for verification.");
const reset = detail(200, "Password has been reset successfully.");
const requested = detail(200, "If an account with this email exists, a password reset link has been sent.");
const verified = detail(200, "Email verified successfully. You can now log in.");
const changed = detail(200, "Password changed successfully.");
const mismatch = (field: string) => answer(400, { [field]: ["Password fields didn't match."] });
const taken = ["A user with that username already exists."];
const required = ["This field is required."];
const tooShort = "This password is too short. It must contain at least 8 characters.";
const tooCommon = "This password is too common.";

const grace = {
  ...{ ...alice, id: "<uuid:grace>", email: "Grace@example.com", username: "grace" },
  ...{ first_name: "", last_name: "", bio: "", preferences: {} },
};
const bob = {
  ...{ ...grace, id: "<uuid:bob>", email: "bob@example.com", username: "bob", plan: "pro" },
  ...{ image_generation_count: 3, profile_picture: "/media/avatars/bob.png" },
  ...{ cover_picture: "https://cdn.example.com/c.png" },
  ...{ avatar_url: "/media/avatars/bob.png", cover_url: "https://cdn.example.com/c.png" },
};
/** What a script sends with a link's GET; the recorded client sent no Accept at all. */
const byScript = { linkHeaders: [["Accept", "application/json"]] } as const;

export const differences: readonly Difference[] = [
  { line: "reveal", exchanges: ["register.dup.email"], ours: registered },
  {
    line: "reveal",
    exchanges: ["register.dup.both-and-mismatch"],
    ours: answer(400, { username: taken }),
  },
  {
    line: "reveal",
    exchanges: ["register.dup.both-and-missing"],
    ours: answer(400, {
      ...{ username: taken, password: required, password2: required },
      ...{ first_name: required, last_name: required },
    }),
  },

  {
    line: "openRoutes",
    exchanges: ["login.with-expired-bearer"],
    ours: signedIn(alice),
  },
  {
    line: "openRoutes",
    exchanges: ["auth.open.reset-request-with-garbage-bearer"],
    ours: requested,
  },
  {
    line: "openRoutes",
    exchanges: ["auth.open.reset-confirm-with-deleted-user-bearer"],
    ours: reset,
  },

  {
    line: "json",
    exchanges: [
      ...["routing.root", "routing.api", "routing.unknown-post", "routing.uppercase", "routing.media"],
      ...["routing.token-root", "verify-email.bad.encoded-slash"],
    ],
    ours: notFound,
  },
  { line: "json", exchanges: ["routing.no-slash-delete"], ours: notAuthenticated },
  {
    line: "json",
    exchanges: ["routing.no-slash-get-post-only"],
    ours: { ...detail(405, 'Method "GET" not allowed.'), headers: { Allow: "POST, OPTIONS" } },
  },
  { line: "json", exchanges: ["reset-request.no-slash"], ours: requested },
  { line: "json", exchanges: ["verify-email.no-slash"], ...byScript, ours: verified },
  { line: "json", exchanges: ["change.no-slash"], ours: changed },
  { line: "json", exchanges: ["profile.patch.no-slash"], ours: answer(200, { ...alice, first_name: "Z" }) },
  { line: "json", exchanges: ["register.dup.username-nfkc"], ours: answer(400, { username: taken }) },
  {
    line: "json",
    exchanges: ["limits.form-1001-fields"],
    ours: answer(400, { email: required, password: required }),
  },
  { line: "json", exchanges: ["limits.content-length-garbage"], ours: { status: 400, text: "<any>" } },
  {
    line: "json",
    exchanges: ["preferences.put.1e400", "preferences.put.multipart-file"],
    ours: answer(400, { non_field_errors: ["Value must be valid JSON."] }),
  },
  {
    line: "json",
    exchanges: ["preferences.put.surrogate-then-get"],
    setupStatus: 400,
    ours: answer(200, alice.preferences),
  },

  {
    line: "types",
    exchanges: [
      ...["register.ok.password-number", "register.password.int", "login.password.int"],
      "account.password.float",
    ],
    ours: wrongType("password"),
  },
  {
    line: "types",
    exchanges: ["register.password2.int", "register.password2.float"],
    ours: wrongType("password2"),
  },
  { line: "types", exchanges: ["register.username.int"], ours: wrongType("username") },
  {
    line: "types",
    exchanges: [
      ...["register.first_name.int", "register.first_name.float", "profile.patch.number-as-text.1e16"],
      ...["profile.patch.number-as-text.1e-7", "profile.patch.number-as-text.big"],
      ...["profile.patch.number-as-text.neg-zero", "profile.patch.number-as-text.neg-zero-float"],
      "profile.patch.number-as-text.123456789.123",
    ],
    ours: wrongType("first_name"),
  },
  { line: "types", exchanges: ["register.last_name.int"], ours: wrongType("last_name") },
  { line: "types", exchanges: ["register.bio.int", "profile.put.bio.float"], ours: wrongType("bio") },
  {
    line: "types",
    exchanges: ["profile.patch.profile_picture.float"],
    ours: wrongType("profile_picture"),
  },
  { line: "types", exchanges: ["refresh.refresh.int"], ours: wrongType("refresh") },
  { line: "types", exchanges: ["verify.token.int"], ours: wrongType("token") },
  { line: "types", exchanges: ["reset-confirm.new_password.int"], ours: wrongType("new_password") },
  {
    line: "types",
    exchanges: ["change.new_password_confirm.float"],
    ours: wrongType("new_password_confirm"),
  },
  {
    line: "types",
    exchanges: [
      ...["reset-confirm.token-form.braces", "reset-confirm.token-form.int-value"],
      ...["reset-confirm.token-form.unicode-digits", "reset-confirm.token.false"],
    ],
    ours: answer(400, { token: ["Must be a valid UUID."] }),
  },
  { line: "types", exchanges: ["auth.tok.user_id-uppercase"], ours: userNotFound },
  { line: "types", exchanges: ["refresh.tok.user_id-no-dashes"], ours: tokenInvalid },

  { line: "passwords", exchanges: ["register.ok.trimmed"], ours: mismatch("password") },
  {
    line: "passwords",
    exchanges: ["register.ok.password-10000"],
    ours: answer(400, {
      password: ["Ensure this field has no more than 256 characters."],
      password2: ["Ensure this field has no more than 256 characters."],
    }),
  },
  {
    line: "passwords",
    exchanges: ["register.form.plus-and-percent"],
    ours: answer(400, { password: [tooShort] }),
  },
  {
    line: "passwords",
    exchanges: ["reset-confirm.weak-accepted"],
    ours: answer(400, { new_password: [tooShort, tooCommon, "This password is entirely numeric."] }),
  },
  { line: "passwords", exchanges: ["change.short-8"], ours: answer(400, { new_password: [tooCommon] }) },
  {
    line: "passwords",
    exchanges: [
      ...["reset-confirm.new_password.spaces", "reset-confirm.new_password_confirm.spaces"],
      ...["change.new_password.spaces", "change.new_password_confirm.spaces"],
    ],
    ours: mismatch("new_password"),
  },
  {
    line: "passwords",
    exchanges: ["change.current_password.spaces"],
    ours: detail(400, "Current password is incorrect."),
  },

  { line: "emails", exchanges: ["register.dup.email-domain-case"], ours: registered },
  { line: "emails", exchanges: ["login.bad.mixed-case-stored"], ours: signedIn(grace) },
  { line: "emails", exchanges: ["login.bad.email-domain-case"], ours: signedIn(alice) },

  {
    line: "links",
    exchanges: [
      ...["login.ok.registered-then-verified", "verify-email.expired", "verify-email.disabled-user"],
      ...["verify-email.no-expiry-stored", "verify-email.full-flow", "verify-email.query-string"],
    ],
    ...byScript,
  },
  { line: "links", exchanges: ["verify-email.again"], ...byScript, ours: verified },
  { line: "resetLinks", exchanges: ["reset-confirm.older-after-new-request"], ours: reset },

  {
    line: "strictTokens",
    exchanges: [
      ...["refresh.tok.exp-string", "refresh.tok.exp-float", "refresh.tok.jti-int"],
      ...["refresh.tok.user_id-not-uuid", "refresh.tok.user_id-list", "refresh.tok.junk-in-signature"],
      ...["refresh.tok.noncanonical-last-char", "verify.tok.kid-not-string", "verify.tok.exp-null"],
      ...["verify.tok.exp-string", "verify.tok.jti-null", "verify.tok.user_id-not-uuid"],
      ...["verify.tok.user_id-int", "verify.tok.user_id-list", "verify.tok.junk-in-signature"],
      "verify.tok.signature-padded",
    ],
    ours: tokenInvalid,
  },
  {
    line: "strictTokens",
    exchanges: [
      ...["auth.tok.exp-float", "auth.tok.exp-list", "auth.tok.jti-int"],
      "auth.tok.noncanonical-last-char",
    ],
    ours: bearerInvalid,
  },
  { line: "strictTokens", exchanges: ["auth.tok.user_id-list"], ours: userNotFound },

  {
    line: "sessions",
    exchanges: [
      ...["refresh.user.deleted", "refresh.user.deleted-through-api", "refresh.user.disabled"],
      ...["refresh.tok.disabled-user", "refresh.after-password-change"],
    ],
    ours: tokenInvalid,
  },
  {
    line: "sessions",
    exchanges: ["auth.after-password-change", "auth.after-password-reset"],
    ours: bearerInvalid,
  },

  {
    line: "languages",
    exchanges: ["change.wrong-current", "change.unusable-password"],
    ours: detail(400, "Current password is incorrect."),
  },
  { line: "languages", exchanges: ["change.emoji-8", "change.ct.json-uppercase"], ours: changed },
  {
    line: "languages",
    exchanges: ["account.wrong-password", "account.unusable"],
    ours: detail(400, "Incorrect password."),
  },
  {
    line: "languages",
    exchanges: ["account.ct.json-charset", "account.form"],
    ours: detail(200, "Account deleted successfully."),
  },

  {
    line: "refresh",
    exchanges: ["refresh.reuse"],
    ours: answer(200, { access: "<access>", refresh: "<refresh>" }),
  },

  { line: "accept", exchanges: ["register.accept.html"], ours: registered },
  { line: "accept", exchanges: ["verify.accept.html"], ours: tokenInvalid },
  { line: "accept", exchanges: ["reset-request.accept.html"], ours: requested },
  { line: "accept", exchanges: ["change.accept.html"], ours: changed },
  {
    line: "accept",
    exchanges: ["profile.get.accept-html", "profile.get.accept-garbage"],
    ours: answer(200, alice),
  },
  {
    line: "accept",
    exchanges: ["profile.patch.accept.html"],
    ours: answer(200, { ...alice, first_name: "Z" }),
  },
  { line: "accept", exchanges: ["preferences.put.accept.html"], ours: answer(200, { a: "b" }) },
  { line: "accept", exchanges: ["routing.no-xml"], ours: notAuthenticated },
  { line: "accept", exchanges: ["throttle.login.accept-html"], ours: throttled },
  {
    line: "accept",
    exchanges: ["throttle.login.406-counts-not"],
    setupStatus: 400,
    ours: throttled,
  },

  {
    line: "options",
    exchanges: [
      ...["login.method.OPTIONS", "verify.method.OPTIONS", "reset-confirm.method.OPTIONS"],
      "throttle.login.then-options",
    ],
    ours: { status: 204, headers: { Allow: "POST, OPTIONS" } },
  },
  {
    line: "options",
    exchanges: ["verify-email.method.OPTIONS"],
    ours: { status: 204, headers: { Allow: "GET, POST, HEAD, OPTIONS" } },
  },
  {
    line: "options",
    exchanges: ["account.method.OPTIONS"],
    ours: { status: 204, headers: { Allow: "DELETE, OPTIONS" } },
  },
  {
    line: "options",
    exchanges: ["profile.method.OPTIONS"],
    ours: { status: 204, headers: { Allow: "GET, PUT, PATCH, HEAD, OPTIONS" } },
  },
  {
    line: "options",
    exchanges: ["preferences.method.OPTIONS"],
    ours: { status: 204, headers: { Allow: "GET, PUT, HEAD, OPTIONS" } },
  },

  {
    line: "bodies",
    exchanges: [
      ...["register.body.malformed", "change.body.malformed", "account.body.malformed"],
      ...["profile.patch.body.malformed", "preferences.put.body.malformed"],
    ],
    ours: detail(400, "JSON parse error - the body is not valid JSON"),
  },

  { line: "throttles", exchanges: ["throttle.login.other-email-same-ip"], ours: signedIn(bob) },
  {
    line: "throttles",
    exchanges: ["throttle.login.x-forwarded-for", "throttle.login.bearer"],
    ours: throttled,
  },
  { line: "throttles", exchanges: ["throttle.register.6th"], ours: registered },
  {
    line: "throttles",
    exchanges: ["throttle.reset.confirm-shares-bucket"],
    // Asked for again within a minute, the link that is there stays good.
    ours: reset,
  },
  {
    line: "throttles",
    exchanges: ["throttle.anon.shared-with-verify-email"],
    ...byScript,
    ours: verified,
  },
  { line: "throttles", exchanges: ["throttle.anon.bearer-ignored-on-verify"], ours: answer(200, {}) },
  { line: "throttles", exchanges: ["throttle.user.change-password"], ours: changed },
  { line: "throttles", exchanges: ["throttle.singular-second"], ours: signedIn(alice) },

  { line: "additions", exchanges: ["routing.logout"], ours: notAuthenticated },
  { line: "additions", exchanges: ["verify-email.method.POST"], ours: verified },
  {
    line: "additions",
    exchanges: ["verify-email.method.PUT"],
    ours: { ...detail(405, 'Method "PUT" not allowed.'), headers: { Allow: "GET, POST, HEAD, OPTIONS" } },
  },
  {
    line: "additions",
    exchanges: ["verify-email.method.PATCH"],
    ours: { ...detail(405, 'Method "PATCH" not allowed.'), headers: { Allow: "GET, POST, HEAD, OPTIONS" } },
  },
  {
    line: "additions",
    exchanges: ["verify-email.bad.empty"],
    ours: { ...detail(405, 'Method "GET" not allowed.'), headers: { Allow: "POST, OPTIONS" } },
  },

  {
    line: "pictures",
    exchanges: [
      ...["limits.multipart-101-files", "auth.required.profile-cover.POST"],
      "auth.required.profile-cover.POST.expired",
    ],
    ours: notFound,
  },
];

/** The difference that an exchange is listed under, if it is. */
export function differenceOf(id: string): Difference | undefined {
  return differences.find(({ exchanges }) => exchanges.includes(id));
}
