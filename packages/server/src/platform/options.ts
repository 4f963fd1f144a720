/** Holds a table that a person wrote to the options that there are: no word that nobody reads, no value of another kind. */

import { findMeant } from "./spelling.ts";

/** What the value of an option must be. */
export interface OptionKind {
  /** Completes "it must be …". */
  readonly kind: string;
  readonly accepts: (value: unknown) => boolean;
  /** Whether it must be said. */
  readonly isNeeded?: boolean;
}

/** Every option that a type has, so that a new one cannot be left out; those that it must have are needed here too. */
export type OptionsOf<T> = {
  readonly [Name in keyof T]-?: OptionKind & (object extends Pick<T, Name> ? unknown : { isNeeded: true });
};

export type Options = Readonly<Record<string, OptionKind>>;

/** What was declared cannot be used: `problems` says everything that is wrong with it, `message` too, line by line. */
export class DeclarationRefused extends Error {
  override readonly name = "DeclarationRefused";
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(problems.join("\n"));
    this.problems = problems;
  }
}

/** Throws DeclarationRefused if there are problems. */
export function refuseDeclaration(problems: readonly string[]): void {
  if (problems.length > 0) throw new DeclarationRefused(problems);
}

const kindOf = (kind: string, accepts: OptionKind["accepts"]): OptionKind => ({ kind, accepts });

export const needed = (kind: OptionKind) => ({ ...kind, isNeeded: true }) as const;

export const yesOrNo = kindOf("true or false", (value) => typeof value === "boolean");
export const text = kindOf("a text", (value) => typeof value === "string");
export const method = kindOf("a function", (value) => typeof value === "function");
export const table = kindOf("a table", isTable);
export const object = kindOf("an object", (value) => typeof value === "object" && value !== null);
export const list = kindOf("a list", Array.isArray);
export const anything = kindOf("anything", () => true);
export const differentTexts = kindOf(
  "a list of different texts",
  (value) =>
    Array.isArray(value) &&
    value.every((item) => typeof item === "string") &&
    new Set(value).size === value.length,
);

export function wholeNumber(least: number, most: number): OptionKind {
  return kindOf(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && Number(value) >= least && Number(value) <= most,
  );
}

export function oneOf(...words: readonly string[]): OptionKind {
  const kind = words.map((word) => `"${word}"`).join(" or ");
  return kindOf(kind, (value) => typeof value === "string" && words.includes(value));
}

export function either(one: OptionKind, other: OptionKind): OptionKind {
  return kindOf(`${one.kind} or ${other.kind}`, (value) => one.accepts(value) || other.accepts(value));
}

/** An object that was written as one: no list, no instance of something. */
export function isTable(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  // What was written in another realm, such as a test runner's, has another Object.
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

/** All that is wrong with the words of a table; each problem goes on from the name of what has it: `has no option "requird": …`. */
export function findOptionProblems(given: unknown, options: Options): string[] {
  if (!isTable(given)) return [`is ${show(given)}, and must be a table`];
  // Inherited words too: they would be read as well.
  const words: string[] = [];
  for (const word in given) words.push(word);
  const lacking = Object.entries(options)
    .filter(([word, { isNeeded }]) => isNeeded && given[word] === undefined)
    .map(([word]) => `has no "${word}", which it needs`);
  const wrong = words.flatMap((word) => {
    const option = Object.hasOwn(options, word) ? options[word] : undefined;
    if (!option) return [`has ${describeUnknown("option", word, Object.keys(options))}`];
    const value = given[word];
    if (value === undefined || option.accepts(value)) return [];
    return [`has "${word}": ${show(value)}, and it must be ${option.kind}`];
  });
  return [...wrong, ...lacking];
}

/** `no option "requird": did you mean "required"?` */
export function describeUnknown(what: string, word: string, words: readonly string[]): string {
  return `no ${what} "${word}": ${describeMeant(word, words)}`;
}

/** `did you mean "required"?`, or all that there are. */
export function describeMeant(word: string, words: readonly string[]): string {
  const meant = findMeant(word, words);
  if (meant !== undefined) return `did you mean "${meant}"?`;
  return words.length === 1 ? `there is only ${words.join()}` : `there are ${words.join(", ")}`;
}

/** A sentence of its problem: with a full stop, unless it asks. */
export const toSentence = (text: string) => (text.endsWith("?") ? text : `${text}.`);

/** A value as it was written, short. */
export function show(value: unknown): string {
  if (typeof value === "function") return "a function";
  if (typeof value === "number" || typeof value === "bigint") return String(value);
  const written = typeof value === "object" && value !== null ? writeJson(value) : JSON.stringify(value);
  const shown = written ?? String(value);
  return shown.length > 60 ? `${shown.slice(0, 57)}…` : shown;
}

function writeJson(value: object): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
