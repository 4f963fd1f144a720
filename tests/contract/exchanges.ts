/** Exchanges as data: what is done before, what is asked, and what is answered. */

import { readFileSync } from "node:fs";

export type HeaderPairs = readonly (readonly [string, string])[];

export interface Part {
  readonly name: string;
  readonly filename?: string;
  readonly type?: string;
  readonly value?: string;
  readonly base64?: string;
}

export interface Call {
  readonly method: string;
  readonly path: string;
  readonly headers?: HeaderPairs;
  /** Sent compact, as JSON. */
  readonly json?: unknown;
  /** Sent exactly so, in UTF-8. */
  readonly text?: string;
  readonly base64?: string;
  readonly multipart?: readonly Part[];
  /** Sent in pieces and without a length. */
  readonly chunked?: boolean;
}

export interface RequestStep extends Call {
  readonly op: "request";
  readonly expect?: number;
  /** How often it is sent; once, if unsaid. */
  readonly repeat?: number;
  /** Names for values of the answer, found by a dotted path. */
  readonly capture?: Readonly<Record<string, string>>;
  /** A name for the token in the link of the last mail. */
  readonly capture_mail?: string;
  /** A name for the code in the last mail. */
  readonly capture_code?: string;
}

/** A change that only somebody with the database can make. */
export type DatabaseStep =
  | { readonly op: "set_user"; readonly user: string; readonly fields: Readonly<Record<string, unknown>> }
  | { readonly op: "delete_user"; readonly user: string };

export type Step = RequestStep | DatabaseStep | { readonly op: "wait"; readonly span: string };

/** An answer; its texts may hold `<access>`, `<uuid:alice>` and other placeholders. */
export interface Expected {
  readonly status: number;
  /** A null says that the header must be missing. */
  readonly headers?: Readonly<Record<string, string | null>>;
  /** The body as JSON. */
  readonly json?: unknown;
  /** The body where it is no JSON; none where it is empty. */
  readonly text?: string;
}

export interface Exchange {
  readonly id: string;
  readonly group: string;
  /** How the system is set up: limits are on in `throttled` and off in all others. */
  readonly profile: string;
  readonly setup?: readonly Step[];
  readonly request: Call;
  readonly response: Expected;
}

/** A file beside the recordings of the original. */
export function readOriginal<Content>(name: string): Content {
  return JSON.parse(readOriginalText(name)) as Content;
}

function readOriginalText(name: string): string {
  return readFileSync(new URL(`original/${name}`, import.meta.url), "utf8");
}

/** Every recorded exchange. Numbers of requests keep their spelling: `1e3`, `1.0`, 38 digits. */
export function readRecordings(): Exchange[] {
  return readOriginalText("goldens.json")
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => {
      const exchange = JSON.parse(line.replace(/,$/, "")) as Exchange;
      return { ...exchange, ...parseSpelled(line.replace(/,$/, "")) };
    });
}

type Reviver = (this: unknown, key: string, value: unknown, context: { source?: string }) => unknown;
const json = JSON as unknown as {
  parse: (text: string, reviver: Reviver) => unknown;
  rawJSON: (text: string) => unknown;
};

/** The two members that are sent, with every number as it was written. */
function parseSpelled(line: string): Pick<Exchange, "request" | "setup"> {
  const spelled = json.parse(line, (_key, value, { source }) =>
    typeof value === "number" && source !== undefined && String(value) !== source
      ? json.rawJSON(source)
      : value,
  ) as Exchange;
  return { request: spelled.request, ...(spelled.setup ? { setup: spelled.setup } : {}) };
}
