import { anyone } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { guessesByEmail } from "../../core/limits/guesses.ts";
import { perAddress, readsOnly } from "../../core/limits/limits.ts";
import { hours, minutes } from "../../platform/duration.ts";
import { detailReply } from "../../platform/http/endpoint.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { email, text } from "../../platform/http/fields.ts";
import { form } from "../../platform/http/form.ts";
import { CodeInvalid, VerificationLinkInvalid } from "./errors.ts";
import { resendVerification, verifyEmail, verifyEmailByCode } from "./flow.ts";
import { sentences } from "./texts.ts";

const verified = (ctx: Context) => ({ detail: sentences.verified[ctx.request.language] });

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
  handle: async (ctx, { params }) => {
    await verifyEmail(ctx, params.token ?? "");
    return verified(ctx);
  },
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
    await verifyEmail(ctx, params.token ?? "");
    return verified(ctx);
  },
});

function isCallByScript(ctx: Context): boolean {
  const { headers, method } = ctx.request;
  const isPrefetch = [headers.get("sec-purpose"), headers.get("purpose")].some((purpose) =>
    purpose?.includes("prefetch"),
  );
  const mode = headers.get("sec-fetch-mode");
  const asksForJson = (headers.get("accept") ?? "").includes("application/json");
  return method === "GET" && !isPrefetch && (mode === "cors" || (mode !== "navigate" && asksForJson));
}

export const verifyByCode = endpoint({
  method: "post",
  path: "/api/auth/verify-email/",
  summary: "Verify an address with the code that was mailed to it",
  access: anyone,
  limit: [
    perAddress("verify-code", { most: 30, within: minutes(1) }),
    guessesByEmail({ name: "verify-code", most: 20, within: hours(1) }, "email"),
  ],
  body: form({ email: email(), code: text({ maxLength: 20 }) }),
  reply: detailReply,
  errors: [FieldsInvalid, CodeInvalid],
  handle: async (ctx, { body }) => {
    await verifyEmailByCode(ctx, body.email, body.code);
    return verified(ctx);
  },
});

export const resend = endpoint({
  method: "post",
  path: "/api/auth/verify-email/resend/",
  summary: "Mail the verification link and code again",
  description:
    "Answers alike for every address. An address gets five such mails an hour; earlier links stay good.",
  access: anyone,
  limit: [perAddress("resend", (config) => config.limits.mail)],
  body: form({ email: email() }),
  reply: detailReply,
  errors: [FieldsInvalid],
  handle: async (ctx, { body }) => {
    await resendVerification(ctx, body.email);
    return { detail: sentences.resent[ctx.request.language] };
  },
});
