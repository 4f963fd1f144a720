import { type Caller, signedIn } from "../../core/access/access.ts";
import { asInput, userSchema, writableFields } from "../../core/accounts/fields.ts";
import { presentUser } from "../../core/accounts/present.ts";
import { addTakenErrors, usernameField } from "../../core/accounts/username.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { readsByCaller } from "../../core/limits/limits.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import type { Fields, Form } from "../../platform/http/form.ts";
import { changeProfile } from "./flow.ts";

type Changes = Readonly<Record<string, unknown>>;

const profile = {
  path: "/api/auth/profile/",
  access: signedIn,
  limit: [readsByCaller],
  reply: (system: Context) => userSchema(system.additions.fields),
} as const;

export const read = endpoint({
  ...profile,
  method: "get",
  summary: "Read your profile",
  errors: [],
  handle: async (ctx, { caller }) => presentUser(ctx, caller.account, "full"),
});

/** What PUT and PATCH have in common: absent fields keep their values, those of others are not looked at. */
const write = {
  ...profile,
  errors: [FieldsInvalid],
  handle: async (ctx: Context, { caller, body }: { caller: Caller; body: Changes }) =>
    presentUser(ctx, await changeProfile(ctx, caller.account.id, body), "full"),
};

export const replace = endpoint<Caller, Changes>({
  ...write,
  method: "put",
  summary: "Change your profile; the username is required",
  body: (system) => profileForm(system, { username: usernameField() }),
});

export const change = endpoint<Caller, Changes>({
  ...write,
  method: "patch",
  summary: "Change some fields of your profile",
  body: (system) =>
    profileForm(system, { username: { ...usernameField(), required: false, keepsEmpty: true } }),
});

function profileForm(system: Context, own: Fields): Form<Context, Changes, Caller> {
  const declared = writableFields(system.additions.fields).map(
    ([name, field]) => [name, asInput(field)] as const,
  );
  return {
    fields: { ...own, ...Object.fromEntries(declared) },
    current: ({ account }) => ({ ...account.fields, username: account.username }),
    lookUp: (ctx, values, errors, caller) => addTakenErrors(ctx, values, errors, caller.account.id),
  };
}
