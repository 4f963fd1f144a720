/** The fields of a user, declared once: columns, checks, documents and bodies are all read from this one table. */

import type { Field, JsonSchema } from "../../platform/http/fields.ts";
import * as kinds from "../../platform/http/fields.ts";
import type { OptionsOf } from "../../platform/options.ts";
import * as option from "../../platform/options.ts";
import type { AccountRow } from "./accounts.ts";

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

/** The columns of an account that are not declared: each of them, or this does not compile. */
const accountColumns: Readonly<Record<keyof AccountRow, true>> = {
  ...{ id: true, email: true, email_canonical: true, username: true, username_canonical: true },
  ...{ password_hash: true, verified_at: true, unconfirmed_until: true, disabled_at: true },
  ...{
    device_epoch: true,
    tokens_valid_from: true,
    last_sign_in_at: true,
    created_at: true,
    updated_at: true,
  },
};

/** What is part of an account without being declared, and the words that bodies use for other things. */
const reserved = new Set([
  ...Object.keys(accountColumns),
  // PostgreSQL's own columns: it refuses a second one of the name.
  ...["ctid", "xmin", "xmax", "cmin", "cmax", "tableoid"],
  ...["is_verified", "password", "password2", "non_field_errors", "detail"],
  ...["constructor", "prototype", "__proto__"],
]);

const [leastInteger, mostInteger] = [-(2 ** 31), 2 ** 31 - 1];
const integerOption = option.wholeNumber(leastInteger, mostInteger);

const commonOptions: OptionsOf<Defaulted<unknown> & { readonly type: string }> = {
  type: option.needed(option.text),
  required: option.yesOrNo,
  writableBy: option.oneOf("user", "admin"),
  hidden: option.yesOrNo,
  unique: option.yesOrNo,
  default: option.anything,
};

/** What each type of field can say. */
export const fieldOptions: {
  readonly [Type in UserField["type"]]: OptionsOf<Extract<UserField, { readonly type: Type }>>;
} = {
  text: { ...commonOptions, maxLength: option.wholeNumber(1, mostInteger), blank: option.yesOrNo },
  integer: { ...commonOptions, least: integerOption, most: integerOption },
  boolean: commonOptions,
  date: commonOptions,
  json: commonOptions,
  oneOf: { ...commonOptions, choices: option.needed(option.differentTexts) },
  link: { type: option.needed(option.text), of: option.needed(option.text) },
};

/** What a field of a type that we do not know may have meant. */
const anyOptions: option.Options = Object.fromEntries(
  Object.values(fieldOptions)
    .flatMap((options) => Object.entries<option.OptionKind>(options))
    .map(([word, one]) => [word, { ...one, isNeeded: word === "type" }]),
);

/** Declares a product's own fields. Throws DeclarationRefused when they cannot work: all that is wrong, by the field. */
export function defineFields<const F extends UserFields>(fields: F): F {
  option.refuseDeclaration(findFieldsProblems(fields));
  return fields;
}

/** All that is wrong with declared fields, as sentences that name the field. */
export function findFieldsProblems(fields: UserFields): string[] {
  if (!option.isTable(fields)) {
    const example = 'such as { plan: { type: "text" } }';
    return [`The user fields are ${option.show(fields)}, and must be a table of names, ${example}.`];
  }
  const all: UserFields = { ...baseFields, ...fields };
  return Object.entries(fields).flatMap(([name, field]) =>
    [...findNameProblems(name), ...findDeclarationProblems(field, all)].map((problem) =>
      option.toSentence(`The user field "${name}" ${problem}`),
    ),
  );
}

function findNameProblems(name: string): string[] {
  if (!/^[a-z][a-z0-9_]{0,40}$/.test(name)) return ["needs a name of lower-case letters, digits and _"];
  if (reserved.has(name)) return ["has a name that every account uses already"];
  return Object.hasOwn(baseFields, name) ? ["is declared by the base product already"] : [];
}

function findDeclarationProblems(field: UserField, all: UserFields): string[] {
  if (!option.isTable(field))
    return [`is ${option.show(field)}, and must be a table such as { type: "text" }`];
  const options = Object.hasOwn(fieldOptions, field.type) ? fieldOptions[field.type] : anyOptions;
  const problems = [...findTypeProblems(field.type), ...option.findOptionProblems(field, options)];
  if (problems.length > 0) return problems;
  return isStored(field) ? findStoredProblems(field) : findLinkProblems(field.of, all);
}

function findTypeProblems(type: unknown): string[] {
  if (typeof type !== "string" || Object.hasOwn(fieldOptions, type)) return [];
  const hint = option.describeMeant(type, Object.keys(fieldOptions));
  return [`is of no type we know, ${option.show(type)}: ${hint}`];
}

function findLinkProblems(of: string, all: UserFields): string[] {
  const field = Object.hasOwn(all, of) ? all[of] : undefined;
  return field?.type === "text" ? [] : [`is a link of ${option.show(of)}, which is no text field`];
}

function findStoredProblems(field: StoredField): string[] {
  const { default: given, writableBy } = field;
  const hasDefault = given !== undefined && given !== null;
  const problems: string[] = [];
  const check = (isWrong: boolean | undefined, problem: string) => isWrong && problems.push(problem);
  check(field.required && writableBy === "admin", "is required of users, who may not write it");
  check(field.unique && field.type === "json", "is JSON, which cannot be unique");
  check(field.unique && hasDefault, "is unique and has a default, which only one user could have");
  check(field.type === "oneOf" && field.choices.length === 0, "has no choices");
  check(
    field.type === "integer" && (field.least ?? leastInteger) > (field.most ?? mostInteger),
    "has a range that holds no number",
  );
  if (problems.length === 0 && hasDefault)
    check("problems" in asInput(field).check(given), "has a default that its own type refuses");
  return problems;
}

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
