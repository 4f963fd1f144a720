import { anyone } from "../../core/access/access.ts";
import { endpoint } from "../../core/feature.ts";
import { perAddress } from "../../core/limits/limits.ts";
import { findMismatch } from "../../core/passwords/passwords.ts";
import { passwordMaxLength } from "../../core/passwords/policy.ts";
import { knownDevices } from "../../core/sign-in/device.ts";
import { hours } from "../../platform/duration.ts";
import { detailReply } from "../../platform/http/endpoint.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { email, password, uuidToken } from "../../platform/http/fields.ts";
import { form } from "../../platform/http/form.ts";
import { ResetLinkInvalid } from "./errors.ts";
import { completePasswordReset, requestPasswordReset } from "./flow.ts";
import { goodLinks } from "./good-links.ts";
import { sentences } from "./texts.ts";

/** The same for whoever asks on our own page. */
export const requestLimit = perAddress("reset-request", (config) => config.limits.mail, {
  ...knownDevices,
  most: 5,
  within: hours(1),
});

export const request = endpoint({
  method: "post",
  path: "/api/auth/password/reset/request/",
  summary: "Ask for a link to choose a new password",
  description:
    "Answers alike for every address. An address gets five such mails an hour; the three newest links work until one is used.",
  access: anyone,
  limit: [requestLimit],
  body: form({ email: email() }),
  reply: detailReply,
  errors: [FieldsInvalid],
  handle: async (ctx, { body }) => {
    await requestPasswordReset(ctx, body.email);
    return { detail: sentences.requested[ctx.request.language] };
  },
});

export const confirm = endpoint({
  method: "post",
  path: "/api/auth/password/reset/confirm/",
  summary: "Set a new password with a reset link",
  description:
    "Ends every session of the account and the device tokens of every other device, and counts its address as verified. " +
    "Signs nobody in; the device token that comes along (cookie and `Device-Token`) keeps a place for the owner while " +
    "others guess.",
  access: anyone,
  limit: [
    perAddress("reset-confirm", { most: 30, within: hours(1) }, { ...goodLinks, most: 10, within: hours(1) }),
  ],
  body: form(
    {
      token: uuidToken(),
      new_password: password(passwordMaxLength),
      new_password_confirm: password(passwordMaxLength),
    },
    { cross: (_ctx, body) => findMismatch("new_password", body.new_password, body.new_password_confirm) },
  ),
  reply: detailReply,
  errors: [FieldsInvalid, ResetLinkInvalid],
  handle: async (ctx, { body }) => {
    await completePasswordReset(ctx, body.token, body.new_password);
    return { detail: sentences.done[ctx.request.language] };
  },
});
