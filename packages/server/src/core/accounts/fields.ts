/** The fields of a user, declared once: columns, checks, documents and bodies are all read from this one table. */

import type { Field, JsonSchema } from "../../platform/http/fields.ts";
import * as kinds from "../../platform/http/fields.ts";

interface Common {
  /** Asked for at registration. */
  readonly required?: boolean;
  /** "admin": shown to the user, but never changed by them. */
  readonly writableBy?: "user" | "admin";
  /** Never shown to the user. */
  readonly hidden?: boolean;
  /** No two users have the same value. */
  readonly unique?: boolean;
}

type Defaulted<T> = Common & {
  /** The value when nothing is said; null for "nothing". */ readonly default?: T | null;
};

export type UserField =
  | ({ readonly type: "text"; readonly maxLength?: number; readonly blank?: boolean } & Defaulted<string>)
  | ({ readonly type: "integer"; readonly least?: number; readonly most?: number } & Defaulted<number>)
  | ({ readonly type: "boolean" } & Defaulted<boolean>)
  | ({ readonly type: "date" } & Defaulted<string>)
  | ({ readonly type: "json" } & Defaulted<unknown>)
  | ({ readonly type: "oneOf"; readonly choices: readonly string[] } & Defaulted<string>)
  /** No column of its own: the web address of what another field names, full on the profile, as stored at login. */
  | { readonly type: "link"; readonly of: string };

export type StoredField = Exclude<UserField, { type: "link" }>;

export type UserFields = Readonly<Record<string, UserField>>;

/** What every user has beside id, e-mail, username and verification; declared like any other field. */
export const baseFields = {
  first_name: { type: "text", maxLength: 150, required: true, blank: true, default: "" },
  last_name: { type: "text", maxLength: 150, required: true, blank: true, default: "" },
  bio: { type: "text", blank: true, default: "" },
} as const satisfies UserFields;

/** What is part of an account without being declared, and the words that bodies use for other things. */
const reserved = new Set([
  // PostgreSQL's own columns: it refuses a second one of the name.
  ...["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"],
  ...["id", "email", "email_canonical", "username", "username_canonical", "is_verified", "verified_at"],
  ...["password", "password2", "password_hash", "disabled_at", "created_at", "updated_at", "last_sign_in_at"],
  ...["tokens_valid_from", "non_field_errors", "detail", "constructor", "prototype", "__proto__"],
]);

/** Declares a product's own fields. Throws at start when a declaration cannot work, naming the field. */
export function defineFields<const F extends UserFields>(fields: F): F {
  const all: UserFields = { ...baseFields, ...fields };
  for (const [name, field] of Object.entries(fields)) checkDeclaration(name, field, all);
  return fields;
}

function checkDeclaration(name: string, field: UserField, all: UserFields): void {
  const problem =
    findNameProblem(name) ?? (isStored(field) ? findStoredProblem(field) : findLinkProblem(field.of, all));
  if (problem) throw new Error(`The user field "${name}" ${problem}.`);
}

function findNameProblem(name: string): string | undefined {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(name)) return "needs a name of lower-case letters, digits and _";
  if (reserved.has(name)) return "has a name that every account uses already";
  return Object.hasOwn(baseFields, name) ? "is declared by the base product already" : undefined;
}

function findLinkProblem(of: string, all: UserFields): string | undefined {
  const field = Object.hasOwn(all, of) ? all[of] : undefined;
  return field?.type === "text" ? undefined : `is a link of "${of}", which is no text field`;
}

function findStoredProblem(field: StoredField): string | undefined {
  const { default: given, writableBy } = field;
  const hasDefault = given !== undefined && given !== null;
  if (!storedTypes.has(field.type)) return `is of no type we know: ${[...storedTypes].join(", ")}, link`;
  // A word we do not know must not leave the field open to everybody.
  if (writableBy !== undefined && writableBy !== "user" && writableBy !== "admin")
    return 'can be writable by "user" or "admin" only';
  if (field.required && writableBy === "admin") return "is required of users, who may not write it";
  if (field.unique && field.type === "json") return "is JSON, which cannot be unique";
  if (field.unique && hasDefault) return "is unique and has a default, which only one user could have";
  if (field.type === "oneOf" && field.choices.length === 0) return "has no choices";
  if (field.type === "text" && field.maxLength !== undefined && !(field.maxLength >= 1))
    return "has room for no text";
  if (field.type === "integer" && (field.least ?? leastInteger) > (field.most ?? mostInteger))
    return "has a range that holds no number";
  if (hasDefault && "problems" in asInput(field).check(given))
    return "has a default that its own type refuses";
  return undefined;
}

const storedTypes: ReadonlySet<string> = new Set(["text", "integer", "boolean", "date", "json", "oneOf"]);
const [leastInteger, mostInteger] = [-(2 ** 31), 2 ** 31 - 1];

export function isStored(field: UserField): field is StoredField {
  return field.type !== "link";
}

/** The fields with a column, in their order. */
export function storedFields(fields: UserFields): [string, StoredField][] {
  return Object.entries(fields).filter((entry): entry is [string, StoredField] => isStored(entry[1]));
}

/** The fields that a user may write, in their order. */
export function writableFields(fields: UserFields): [string, StoredField][] {
  return storedFields(fields).filter(([, field]) => field.writableBy !== "admin");
}

/** The value of a field nobody has set. */
export function defaultOf(field: StoredField): unknown {
  return field.default ?? null;
}

/** What the fields that a user may write hold when nothing is said. */
export function writableDefaults(fields: UserFields): Record<string, unknown> {
  return Object.fromEntries(writableFields(fields).map(([name, field]) => [name, defaultOf(field)]));
}

/** What a body may send for a field; a field that has no default value may be null. */
export function asInput(field: StoredField, presence: { readonly required?: boolean } = {}): Field {
  const options = {
    required: presence.required ?? false,
    nullable: defaultOf(field) === null && !field.required,
  };
  switch (field.type) {
    case "text":
      return kinds.text({ ...options, blank: field.blank ?? !field.required, maxLength: field.maxLength });
    case "integer":
      return kinds.integer({ ...options, least: field.least, most: field.most });
    case "boolean":
      return kinds.boolean(options);
    case "date":
      return kinds.date(options);
    case "json":
      return kinds.json(options);
    case "oneOf":
      return kinds.oneOf(field.choices, options);
  }
}

/** The schema of a user as the API shows one. */
export function userSchema(fields: UserFields): JsonSchema {
  const declared = visibleFields(fields).map(([name, field]) => [name, outputSchema(field)] as const);
  const properties = {
    id: { type: "string", format: "uuid" },
    email: { type: "string", format: "email" },
    username: { type: "string" },
    ...Object.fromEntries(declared.slice(0, baseCount)),
    is_verified: { type: "boolean" },
    ...Object.fromEntries(declared.slice(baseCount)),
  };
  return { type: "object", properties, required: Object.keys(properties) };
}

export const baseCount = Object.keys(baseFields).length;

/** The fields that a user sees, in their order. */
export function visibleFields(fields: UserFields): [string, UserField][] {
  return Object.entries(fields).filter(([, field]) => !isStored(field) || !field.hidden);
}

function outputSchema(field: UserField): JsonSchema {
  if (field.type === "link") return { type: ["string", "null"] };
  const { jsonSchema } = asInput(field);
  const mayBeNull = defaultOf(field) === null && typeof jsonSchema.type === "string";
  return mayBeNull ? { ...jsonSchema, type: [jsonSchema.type, "null"] } : jsonSchema;
}

type ValueOf = { text: string; integer: number; boolean: boolean; date: string; json: unknown; link: string };
type Plain<F extends UserField> = F extends { choices: readonly (infer Choice)[] }
  ? Choice
  : ValueOf[Exclude<F["type"], "oneOf">];
/** What is read: null too, unless a default stands for what nobody has said. */
type Shown<F extends UserField> = F extends { default: {} } ? Plain<F> : Plain<F> | null;
/** What may be sent: null, for "nothing", where nothing is what stands for what nobody has said. */
type Sent<F extends UserField> = F extends { required: true } | { default: {} } ? Plain<F> : Plain<F> | null;
type NamesWhere<S, Shape> = { [N in keyof S]: S[N] extends Shape ? N : never }[keyof S];
type Writable<S> = Exclude<keyof S, NamesWhere<S, { writableBy: "admin" } | { type: "link" }>>;

/** What the API returns for a person, given the fields that were declared. */
export type User<S extends UserFields> = {
  id: string;
  email: string;
  username: string;
  is_verified: boolean;
} & { [N in Exclude<keyof S, NamesWhere<S, { hidden: true }>>]: Shown<S[N]> };

/** What a person may change about themself. */
export type ProfileChange<S extends UserFields> = { username?: string } & {
  [N in Writable<S>]?: Sent<S[N]>;
};
