/** Says how an answer differs from the expected one, in sentences a person can act on. */

import { inspect } from "node:util";
import type { Expected } from "./exchanges.ts";
import type { Given } from "./send.ts";

export interface Comparison {
  /** Whether the body is what a user stored, whose keys may come in any order. */
  readonly isStored?: boolean;
  /** What was captured before, for `<var:name>`. */
  readonly variables?: ReadonlyMap<string, string>;
  /** The id of a fixture user, for `<uuid:alice>`. */
  readonly idOf: (user: string) => string;
}

const token = "[\\w-]+\\.[\\w-]+\\.[\\w-]+";
const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const placeholders: Readonly<Record<string, string>> = {
  access: token,
  refresh: token,
  uuid,
  host: "[\\w.-]+(?::\\d+)?",
  seconds: "\\d+",
  any: ".*",
};

/** Every difference; none when the answer is the expected one. */
export function findDifferences(expected: Expected, given: Given, about: Comparison): string[] {
  const found: string[] = [];
  if (given.status !== expected.status) found.push(`status: wanted ${expected.status}, got ${given.status}`);
  for (const [name, wanted] of Object.entries(expected.headers ?? {})) {
    const value = given.headers.get(name);
    if (wanted === null ? value !== null : !isSameText(wanted, value, about))
      found.push(`header ${name}: wanted ${inspect(wanted)}, got ${inspect(value)}`);
  }
  const isSameBody =
    expected.json === undefined
      ? isSameText(expected.text ?? "", given.text, about)
      : isSame(expected.json, parseBody(given.text), about, !about.isStored);
  if (!isSameBody) {
    const wanted = expected.json === undefined ? expected.text : JSON.stringify(expected.json);
    found.push(`body: wanted ${wanted || "none"}, got ${given.text || "none"}`);
  }
  return found;
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { "not JSON": text };
  }
}

/** The order of keys counts in objects of ours, not in what a user stored: PostgreSQL's jsonb has an order of its own. */
function isSame(wanted: unknown, given: unknown, about: Comparison, isOrdered: boolean): boolean {
  if (typeof wanted === "string") return isSameText(wanted, given, about);
  if (typeof wanted !== "object" || wanted === null || typeof given !== "object" || given === null)
    return wanted === given;
  if (Array.isArray(wanted) !== Array.isArray(given)) return false;
  const [names, others] = [Object.keys(wanted), Object.keys(given)];
  const isSameNames = isOrdered
    ? names.join("\0") === others.join("\0")
    : names.toSorted().join("\0") === others.toSorted().join("\0");
  return (
    isSameNames &&
    names.every((name) =>
      isSame(memberOf(wanted, name), memberOf(given, name), about, isOrdered && name !== "preferences"),
    )
  );
}

const memberOf = (value: object, name: string) => (value as Record<string, unknown>)[name];

function isSameText(wanted: string, given: unknown, { idOf, variables }: Comparison): boolean {
  if (typeof given !== "string" || !wanted.includes("<")) return wanted === given;
  const pattern = wanted
    .split(/(<\w+(?::\w+)?>)/)
    .map((piece) => {
      const [, name = "", argument] = /^<(\w+)(?::(\w+))?>$/.exec(piece) ?? [];
      if (argument === undefined) return placeholders[name] ?? escapePattern(piece);
      return escapePattern(name === "var" ? (variables?.get(argument) ?? piece) : idOf(argument));
    })
    .join("");
  return new RegExp(`^(?:${pattern})$`, "su").test(given);
}

const escapePattern = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, "\\$&");
