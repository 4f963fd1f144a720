import { type Caller, signedIn } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { guessesByCaller } from "../../core/limits/guesses.ts";
import { callsByCaller } from "../../core/limits/limits.ts";
import { confirmationGuesses } from "../../core/passwords/guesses.ts";
import {
  findMismatch,
  findPasswordErrors,
  oldPasswordMaxLength,
  ownerOf,
} from "../../core/passwords/passwords.ts";
import { passwordMaxLength } from "../../core/passwords/policy.ts";
import { hours } from "../../platform/duration.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { password } from "../../platform/http/fields.ts";
import { type Form, form } from "../../platform/http/form.ts";
import { sentence } from "../../platform/texts.ts";
import { CurrentPasswordWrong } from "./errors.ts";
import { changePassword } from "./flow.ts";

const changed = sentence("Password changed successfully.", "Senha alterada com sucesso.");

export interface ChangeBody {
  readonly current_password: string;
  readonly new_password: string;
  readonly new_password_confirm: string;
}

const changeForm: Form<Context, ChangeBody, Caller> = form(
  {
    current_password: password(oldPasswordMaxLength),
    new_password: password(passwordMaxLength),
    new_password_confirm: password(passwordMaxLength),
  },
  {
    cross: (ctx: Context, body, { account }: Caller) =>
      findMismatch("new_password", body.new_password, body.new_password_confirm) ??
      findPasswordErrors(ctx, "new_password", body.new_password, ownerOf(account)),
  },
);

export const change = endpoint({
  method: "post",
  path: "/api/auth/password/change/",
  summary: "Change your password",
  description:
    "Every other session ends, and so do open reset links and the device tokens of other devices. Sends mail. The " +
    "caller's session goes on with the new pair; its old refresh token is refused from then on, and its old access " +
    "token works until it expires. A caller with a token of the original's gets no pair, and signs in anew.",
  access: signedIn,
  // Right ones too: each costs two hashes, a mail and a line in the trail.
  limit: [
    guessesByCaller(confirmationGuesses),
    callsByCaller("password-change", { most: 20, within: hours(1), fromAddress: 100 }),
  ],
  body: changeForm,
  reply: {
    type: "object",
    properties: { detail: { type: "string" }, access: { type: "string" }, refresh: { type: "string" } },
    required: ["detail"],
  },
  errors: [FieldsInvalid, CurrentPasswordWrong],
  handle: async (ctx, { body, caller }) => {
    const tokens = await changePassword(ctx, caller, body.current_password, body.new_password);
    return { detail: changed[ctx.request.language], ...tokens };
  },
});
