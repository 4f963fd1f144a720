import { anyone } from "../../core/access/access.ts";
import { findRegistrant } from "../../core/accounts/registration-attempts.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { guessesByEmail } from "../../core/limits/guesses.ts";
import { perAddress, readsOnly } from "../../core/limits/limits.ts";
import { secondsUntil } from "../../core/mail/pace.ts";
import { hours, minutes } from "../../platform/duration.ts";
import { detailReply } from "../../platform/http/endpoint.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { email, text } from "../../platform/http/fields.ts";
import { form } from "../../platform/http/form.ts";
import { onlyLooksAhead } from "../../platform/http/look-ahead.ts";
import { CodeInvalid, VerificationLinkInvalid } from "./errors.ts";
import { resendToCaller, type Verified, verifyEmail, verifyEmailByCode } from "./flow.ts";
import { sentences, tooEarly } from "./texts.ts";

const reply = (ctx: Context, { hasPassword }: Verified) => ({
  detail: sentences[hasPassword ? "verified" : "passwordMissing"][ctx.request.language],
});

/** The token has 128 bits: nobody guesses it, so only the machine needs guarding. */
const link = {
  path: "/api/auth/verify-email/:token/",
  access: anyone,
  limit: [readsOnly],
  reply: detailReply,
  errors: [VerificationLinkInvalid],
} as const;

export const verifyByLink = endpoint({
  ...link,
  method: "post",
  summary: "Verify an address with the token of its link",
  handle: async (ctx, { params }) => reply(ctx, await verifyEmail(ctx, params.token ?? "")),
});

/**
 * The original's client verifies by GET from its script. A browser that only follows the link, a mail scanner or a
 * prefetch must not: those are told so, and change nothing (RFC 9110, 9.2.1).
 */
export const verifyByGet = endpoint({
  ...link,
  method: "get",
  summary: "Verify an address by script, as clients of the original do",
  description: "Only for a call by script; opening the address in a browser changes nothing.",
  handle: async (ctx, { params }) => {
    if (!isCallByScript(ctx)) return { detail: sentences.pageText[ctx.request.language] };
    return reply(ctx, await verifyEmail(ctx, params.token ?? ""));
  },
});

function isCallByScript({ request: { headers, method } }: Context): boolean {
  const mode = headers.get("sec-fetch-mode");
  const asksForJson = (headers.get("accept") ?? "").includes("application/json");
  const isScript = mode === "cors" || (mode !== "navigate" && asksForJson);
  return method === "GET" && isScript && !onlyLooksAhead(headers);
}

export const verifyByCode = endpoint({
  method: "post",
  path: "/api/auth/verify-email/",
  summary: "Verify an address with the code that was mailed to it",
  access: anyone,
  limit: [
    perAddress("verify-code", { most: 30, within: minutes(1) }),
    guessesByEmail({ name: "verify-code", most: 20, within: hours(1) }, "email", {
      knownDevices: async (ctx, address) => findRegistrant(ctx, address),
    }),
  ],
  body: form({ email: email(), code: text({ maxLength: 20 }) }),
  reply: detailReply,
  errors: [FieldsInvalid, CodeInvalid],
  handle: async (ctx, { body }) => reply(ctx, await verifyEmailByCode(ctx, body.email, body.code)),
});

/** The same for whoever asks on our own page. */
export const resendLimit = perAddress("resend", (config) => config.limits.mail);

export const resend = endpoint({
  method: "post",
  path: "/api/auth/verify-email/resend/",
  summary: "Mail the verification link and code again",
  description: `Answers alike for every address. An address gets five such mails an hour; the links of the three newest work.

Whoever registered the address or asked for it less than a minute ago is told that nothing was sent: \`resend_at\`, which is
there only then, says from when it can be asked for again.`,
  access: anyone,
  limit: [resendLimit],
  body: form({ email: email() }),
  reply: {
    type: "object",
    properties: { detail: { type: "string" }, resend_at: { type: "string", format: "date-time" } },
    required: ["detail"],
  },
  errors: [FieldsInvalid],
  handle: async (ctx, { body }) => {
    const asked = await resendToCaller(ctx, body.email);
    const { language } = ctx.request;
    if (!asked.isEarly) return { detail: sentences.resent[language] };
    const detail = tooEarly(secondsUntil(ctx, asked))[language];
    return { detail, resend_at: asked.resendAt.toISOString() };
  },
});
