/** The preferences of somebody, as one JSON object: there when a field `preferences` of type json is declared. */

import { signedIn } from "../../core/access/access.ts";
import type { Context } from "../../core/context.ts";
import { endpoint } from "../../core/feature.ts";
import { readsByCaller } from "../../core/limits/limits.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { isKeepableJson } from "../../platform/http/fields.ts";
import type { Form } from "../../platform/http/form.ts";
import { inputSentences } from "../../platform/http/sentences.ts";
import { changeProfile } from "./flow.ts";

const preferences = {
  path: "/api/auth/preferences/",
  access: signedIn,
  limit: [readsByCaller],
  onlyIf: (system: Context) => {
    const field = system.additions.fields.preferences;
    return field?.type === "json" && field.writableBy !== "admin" && !field.hidden;
  },
  reply: { type: "object" },
} as const;

export const readPreferences = endpoint({
  ...preferences,
  method: "get",
  summary: "Read your preferences",
  errors: [],
  handle: async (_ctx, { caller }) => orEmpty(caller.account.fields.preferences),
});

export const writePreferences = endpoint({
  ...preferences,
  method: "put",
  summary: "Replace your preferences",
  errors: [FieldsInvalid],
  body: wholeBody(),
  handle: async (ctx, { caller, body }) => {
    if (!isKeepableJson(body)) throw new FieldsInvalid({ non_field_errors: [inputSentences.notJson] });
    const account = await changeProfile(ctx, caller.account.id, { preferences: body });
    return orEmpty(account.fields.preferences);
  },
});

/** As the original: what says nothing (null, 0, an empty list) reads as an empty object. */
function orEmpty(value: unknown): unknown {
  const isEmpty = !value || (Array.isArray(value) && value.length === 0);
  return isEmpty ? {} : value;
}

/** The body as a whole; as the original, one that is no object counts as an empty one. */
function wholeBody(): Form<Context, Readonly<Record<string, unknown>>> {
  return { fields: {}, keepsUnknown: true, insteadOfNoObject: {} };
}
