/** A form: named fields judged one by one in their order, then together once each has passed. */

import type { Sentence } from "../texts.ts";
import type { BodyData } from "./body.ts";
import { type FieldErrors, FieldsInvalid } from "./errors.ts";
import type { Field, JsonSchema } from "./fields.ts";
import { inputSentences, notADictionary } from "./sentences.ts";

// oxlint-disable-next-line typescript/no-explicit-any -- a form holds fields of every type
export type Fields = Readonly<Record<string, Field<any>>>;

/** What a form's fields hold once they passed; those that may be left out are absent then. */
export type Values<F extends Fields> = {
  readonly [Name in keyof F]: F[Name] extends Field<infer T> ? T : never;
};

export interface Form<Ctx, V, in Caller = unknown> {
  readonly fields: Fields;
  /** Adds what only the database can tell of values that passed; runs whatever else failed. */
  readonly lookUp?: (ctx: Ctx, values: Partial<V>, errors: FieldErrors, caller: Caller) => Promise<void>;
  /** Runs only when every field passed. */
  readonly cross?: (ctx: Ctx, values: V, caller: Caller) => FieldErrors | undefined;
  /** Whether fields that are not named are kept as they come, instead of being left out. */
  readonly keepsUnknown?: boolean;
  /** What the caller has already: a text that stays as it is passes, whatever rules came since it was given. */
  readonly current?: (caller: Caller) => Readonly<Record<string, unknown>>;
  /** What stands for a body that is no object; without it, such a body is refused. */
  readonly insteadOfNoObject?: Readonly<Record<string, unknown>>;
}

type Rules<Ctx, V, Caller> = Omit<Form<Ctx, V, Caller>, "fields">;

/** A form of these fields, in this order, with rules that look at more than one. */
export function form<Ctx, const F extends Fields, Caller = unknown>(
  fields: F,
  rules: Rules<Ctx, Values<F>, Caller> = {},
): Form<Ctx, Values<F>, Caller> {
  return { fields, ...rules };
}

/** Reads a form's values from a body, or throws FieldsInvalid with all that is wrong. */
export async function readForm<Ctx, V, Caller>(
  ctx: Ctx,
  form: Form<Ctx, V, Caller>,
  body: BodyData,
  caller: Caller,
): Promise<V> {
  const data = body.kind === "dict" ? body.data : form.insteadOfNoObject;
  if (!data) {
    const sentence = body.kind === "null" ? inputSentences.noData : notADictionary(body.kind);
    throw new FieldsInvalid({ non_field_errors: [sentence] });
  }
  const isForm = body.kind === "dict" && body.isForm === true;
  const given = isForm ? readTexts(form.fields, data) : data;
  const current = form.current?.(caller) ?? {};
  const { values, errors } = checkFields(form.fields, given, {
    kept: form.keepsUnknown ? data : {},
    current,
  });
  await form.lookUp?.(ctx, values as Partial<V>, errors, caller);
  if (Object.keys(errors).length > 0) throw new FieldsInvalid(inOrderOf(form.fields, errors));
  const crossErrors = form.cross?.(ctx, values as V, caller);
  if (crossErrors) throw new FieldsInvalid(crossErrors);
  return values as V;
}

/**
 * What the texts of a web form say, as Django REST Framework takes them: an empty one is no value where none is
 * needed, and null where null may stand.
 */
function readTexts(fields: Fields, data: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const entries = Object.entries(fields).map(([name, field]) => {
    const text = Object.hasOwn(data, name) ? data[name] : undefined;
    if (typeof text !== "string") return [name, text];
    if (text === "" && !field.keepsEmpty && (field.nullable || !field.required))
      return [name, field.nullable ? null : undefined];
    return [name, field.readText ? field.readText(text) : text];
  });
  return Object.fromEntries(entries);
}

function checkFields(
  fields: Fields,
  data: Readonly<Record<string, unknown>>,
  { kept, current }: Readonly<Record<"kept" | "current", Readonly<Record<string, unknown>>>>,
) {
  const values: Record<string, unknown> = Object.fromEntries(Object.entries(kept));
  const errors: FieldErrors = {};
  for (const [name, field] of Object.entries(fields)) {
    const keep = (value: unknown) =>
      Object.defineProperty(values, name, { value, enumerable: true, writable: true, configurable: true });
    const value = Object.hasOwn(data, name) ? data[name] : undefined;
    if (typeof value === "string" && value === current[name]) {
      keep(value);
      continue;
    }
    const problems = checkOne(field, value, keep);
    if (problems.length > 0) errors[name] = [...problems];
  }
  return { values, errors };
}

function checkOne(field: Field, value: unknown, keep: (value: unknown) => void): readonly Sentence[] {
  if (value === undefined) return field.required ? [inputSentences.required] : [];
  if (value === null) {
    if (!field.nullable) return [inputSentences.null];
    keep(null);
    return [];
  }
  const checked = field.check(value);
  if ("problems" in checked) return checked.problems;
  keep(checked.value);
  return [];
}

function inOrderOf(fields: Fields, errors: FieldErrors): FieldErrors {
  const names = Object.keys(fields).filter((name) => errors[name]);
  return Object.fromEntries(names.map((name) => [name, errors[name] ?? []]));
}

/** The JSON Schema of the bodies that a form takes. */
export function formSchema(fields: Fields): JsonSchema {
  const entries = Object.entries(fields);
  const properties = entries.map(([name, field]) => {
    const { type } = field.jsonSchema;
    const nullable = field.nullable && typeof type === "string" ? { type: [type, "null"] } : {};
    return [name, { ...field.jsonSchema, ...nullable }] as const;
  });
  const required = entries.filter(([, field]) => field.required).map(([name]) => name);
  return {
    type: "object",
    properties: Object.fromEntries(properties),
    ...(required.length > 0 ? { required } : {}),
  };
}
