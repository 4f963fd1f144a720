import { signedIn } from "../../core/access/access.ts";
import { endpoint } from "../../core/feature.ts";
import { guessesByCaller } from "../../core/limits/guesses.ts";
import { confirmationGuesses } from "../../core/passwords/guesses.ts";
import { oldPasswordMaxLength } from "../../core/passwords/passwords.ts";
import { detailReply } from "../../platform/http/endpoint.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { password } from "../../platform/http/fields.ts";
import { form } from "../../platform/http/form.ts";
import { sentence } from "../../platform/texts.ts";
import { PasswordWrong } from "./errors.ts";
import { deleteAccount } from "./flow.ts";

const deleted = sentence("Account deleted successfully.", "Conta deletada com sucesso.");

export const remove = endpoint({
  method: "delete",
  path: "/api/auth/account/",
  summary: "Delete your account",
  description: "The account, its sessions and everything else that belongs to it are gone at once.",
  access: signedIn,
  limit: [guessesByCaller(confirmationGuesses)],
  body: form({ password: password(oldPasswordMaxLength) }),
  reply: detailReply,
  errors: [FieldsInvalid, PasswordWrong],
  handle: async (ctx, { body, caller }) => {
    await deleteAccount(ctx, caller, body.password);
    return { detail: deleted[ctx.request.language] };
  },
});
