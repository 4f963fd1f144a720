/** The kinds of fields a form is made of, each with Django REST Framework's checks in its order. */

import { isExactNumber, parseJson } from "../json.ts";
import type { Sentence } from "../texts.ts";
import { trimWhiteSpace } from "../white-space.ts";
import { isEmailAddress } from "./email-address.ts";
import * as say from "./sentences.ts";

const { inputSentences } = say;

/** A JSON Schema (2020-12), as OpenAPI 3.1 takes it. */
export type JsonSchema = { readonly [key: string]: unknown };

/** A value that may be used, or every sentence that says why not. */
export type Checked<T> = { readonly value: T } | { readonly problems: readonly Sentence[] };

/** One field: which values it takes, and what its absence or a null means. */
export interface Field<T = unknown> {
  readonly check: (value: unknown) => Checked<T>;
  readonly jsonSchema: JsonSchema;
  readonly required: boolean;
  readonly nullable: boolean;
  /** Whether an empty text of a web form is a value, and not the absence of one. */
  readonly keepsEmpty?: boolean;
  /** The value that a text of a web form stands for, where that is not the text itself. */
  readonly readText?: (text: string) => unknown;
}

export interface Presence {
  readonly required?: boolean;
  readonly nullable?: boolean;
}

type TextCheck = (value: string) => Sentence | undefined;

/** Code points, which is what people count and what every length here is measured in. */
export function lengthOf(value: string): number {
  let length = 0;
  for (const _ of value) length += 1;
  return length;
}

const atMost =
  (most: number): TextCheck =>
  (value) =>
    value.length > most && lengthOf(value) > most ? say.tooLong(most) : undefined;

const noNul: TextCheck = (value) => (value.includes("\0") ? inputSentences.nulCharacter : undefined);

const noSurrogate: TextCheck = (value) => {
  if (value.isWellFormed()) return undefined;
  const lone = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.exec(value);
  return lone ? say.surrogate(lone[0].charCodeAt(0)) : undefined;
};

interface TextRules {
  readonly trim: boolean;
  readonly blank: boolean;
  readonly wrongType: Sentence;
  readonly checks: readonly TextCheck[];
}

/** A wrong type and a blank stop at once; after that, every check that fails has its say. */
function checkText(rules: TextRules): (value: unknown) => Checked<string> {
  return (given) => {
    if (typeof given !== "string") return { problems: [rules.wrongType] };
    const value = rules.trim ? trimWhiteSpace(given) : given;
    if (value === "" && !rules.blank) return { problems: [inputSentences.blank] };
    const problems = rules.checks.map((check) => check(value)).filter((problem) => problem !== undefined);
    return problems.length > 0 ? { problems } : { value };
  };
}

function field<T>(
  presence: Presence,
  jsonSchema: JsonSchema,
  check: (value: unknown) => Checked<T>,
): Field<T> {
  return { check, jsonSchema, required: presence.required ?? true, nullable: presence.nullable ?? false };
}

/** Text, trimmed; `pattern` is checked before the length, as the original does. */
export function text(
  options: Presence & {
    readonly maxLength?: number;
    readonly blank?: boolean;
    readonly pattern?: { readonly test: (value: string) => boolean; readonly sentence: Sentence };
  } = {},
): Field<string> {
  const { pattern, maxLength, blank = false } = options;
  const checks: TextCheck[] = [noNul, noSurrogate];
  if (maxLength !== undefined) checks.unshift(atMost(maxLength));
  if (pattern) checks.unshift((value) => (pattern.test(value) ? undefined : pattern.sentence));
  const jsonSchema = { type: "string", ...(maxLength === undefined ? {} : { maxLength }) };
  const rules = { trim: true, blank, wrongType: inputSentences.notText, checks };
  return { ...field<string>(options, jsonSchema, checkText(rules)), keepsEmpty: blank };
}

/** A password: taken exactly as typed. */
export function password(maxLength: number): Field<string> {
  const checks = [atMost(maxLength), noNul, noSurrogate];
  const rules = { trim: false, blank: false, wrongType: inputSentences.notText, checks };
  return field<string>({}, { type: "string", format: "password", maxLength }, checkText(rules));
}

/**
 * An e-mail address, trimmed. A length at which it would be stored is said; where an address is only asked about, as
 * in the original, one that is too long to be anybody's is like any other that nobody has.
 */
export function email(options: { readonly maxLength?: number } = {}): Field<string> {
  // Over-long texts are never looked at in full: the check is linear, and so is the time a stranger can take.
  const isAddress: TextCheck = (value) =>
    value.length <= 1000 && lengthOf(value) <= askedMaxLength && isEmailAddress(value)
      ? undefined
      : inputSentences.notEmail;
  const { maxLength } = options;
  const checks = [noNul, noSurrogate, isAddress];
  if (maxLength !== undefined) checks.unshift(atMost(maxLength));
  const rules = { trim: true, blank: false, wrongType: inputSentences.notEmail, checks };
  const jsonSchema = { type: "string", format: "email", maxLength: maxLength ?? askedMaxLength };
  return field<string>({}, jsonSchema, checkText(rules));
}

/** Django's bound on what is looked at as an address at all. */
const askedMaxLength = 320;

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The token of a mailed link: 128 bits written as a UUID is, in its one canonical spelling. */
export function uuidToken(): Field<string> {
  return field<string>({}, { type: "string", format: "uuid" }, (value) =>
    typeof value === "string" && uuid.test(value) ? { value } : { problems: [inputSentences.notUuid] },
  );
}

export function integer(
  options: Presence & { readonly least?: number; readonly most?: number } = {},
): Field<number> {
  const { least = -(2 ** 31), most = 2 ** 31 - 1 } = options;
  const whole = field<number>(options, { type: "integer", minimum: least, maximum: most }, (value) => {
    // One too big to be exact is still a whole number, and told that it is out of range.
    const number = isExactNumber(value) ? Number(JSON.stringify(value)) : value;
    if (typeof number !== "number" || !Number.isInteger(number)) {
      return { problems: [inputSentences.notInteger] };
    }
    if (number < least) return { problems: [say.tooSmall(least)] };
    return number > most ? { problems: [say.tooBig(most)] } : { value: number };
  });
  return { ...whole, readText: (text) => (/^\s*[+-]?\d+\s*$/.test(text) ? Number(text) : text) };
}

export function boolean(options: Presence = {}): Field<boolean> {
  const truth = field<boolean>(options, { type: "boolean" }, (value) =>
    typeof value === "boolean" ? { value } : { problems: [inputSentences.notBoolean] },
  );
  return { ...truth, readText: (text) => booleanTexts.get(text.toLowerCase()) ?? text };
}

const booleanTexts = new Map([
  ...["t", "y", "yes", "true", "on", "1"].map((text) => [text, true] as const),
  ...["f", "n", "no", "false", "off", "0"].map((text) => [text, false] as const),
]);

/** A day of the calendar, `YYYY-MM-DD`. */
export function date(options: Presence = {}): Field<string> {
  return field<string>(options, { type: "string", format: "date" }, (value) =>
    typeof value === "string" && isCalendarDay(value) ? { value } : { problems: [inputSentences.notDate] },
  );
}

function isCalendarDay(value: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(value) || value < "0001-01-01") return false;
  const day = new Date(`${value}T00:00:00Z`);
  return !Number.isNaN(day.getTime()) && day.toISOString().startsWith(value);
}

export function oneOf(choices: readonly string[], options: Presence = {}): Field<string> {
  return field<string>(options, { type: "string", enum: choices }, (value) => {
    if (typeof value === "string" && choices.includes(value)) return { value };
    // Only a scalar is shown: writing out a list of ten thousand lists would overflow the stack.
    const isScalar = typeof value === "number" || typeof value === "boolean" || isExactNumber(value);
    const text = typeof value === "string" ? value : isScalar ? JSON.stringify(value) : "…";
    return { problems: [say.notAChoice(text.slice(0, 100).toWellFormed())] };
  });
}

/** Any JSON value that can be kept: no lone surrogate or NUL (PostgreSQL refuses them), no endless number. */
export function json(options: Presence = {}): Field<unknown> {
  const any = field<unknown>(options, { description: "Any JSON value." }, (value) =>
    isKeepableJson(value) ? { value } : { problems: [inputSentences.notJson] },
  );
  return { ...any, keepsEmpty: true, readText: readJsonText };
}

function readJsonText(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return Symbol("no JSON");
  }
}

export function isKeepableJson(value: unknown, depth = 500): boolean {
  if (depth < 0) return false;
  if (typeof value === "string") return value.isWellFormed() && !value.includes("\0");
  if (typeof value === "number") return Number.isFinite(value);
  if (Array.isArray(value)) return value.every((item) => isKeepableJson(item, depth - 1));
  if (value === null || typeof value !== "object") return value === null || typeof value === "boolean";
  return Object.entries(value).every(
    ([name, item]) => isKeepableJson(name) && isKeepableJson(item, depth - 1),
  );
}
