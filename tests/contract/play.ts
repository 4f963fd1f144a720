/** Plays an exchange against a target: what comes before, then the call; names become tokens on the way. */

import type { Call, DatabaseStep, Exchange, HeaderPairs, Part, RequestStep, Step } from "./exchanges.ts";
import type { Given } from "./send.ts";
import { mintToken } from "./tokens.ts";

/** A server, and what can be done to it beside calling it; a server far away can only be called. */
export interface Target {
  readonly send: (call: Call) => Promise<Given>;
  readonly now: () => Date;
  readonly local?: {
    readonly change: (step: DatabaseStep) => Promise<void>;
    readonly advance: (span: string) => void;
    /** Sends what waits in the outbox. */
    readonly sendMails: () => Promise<void>;
    /** The token and the code in the last mail. */
    readonly lastMail: () => Promise<{ readonly token: string; readonly code: string }>;
  };
}

/** What to do otherwise than recorded. */
export interface Adjustment {
  /** Headers for every GET of a mailed link: the recorded client sent none, those of people and scripts do. */
  readonly linkHeaders?: HeaderPairs;
  /** What the steps before answer here. */
  readonly setupStatus?: number;
}

export interface Played {
  readonly given: Given;
  /** What the steps before captured, by name. */
  readonly variables: ReadonlyMap<string, string>;
  /** What already went otherwise before the call itself. */
  readonly problems: readonly string[];
}

export async function play(
  target: Target,
  { setup = [], request }: Pick<Exchange, "setup" | "request">,
  adjustment: Adjustment = {},
): Promise<Played> {
  const variables = new Map<string, string>();
  const problems: string[] = [];
  const send = (call: Call) => target.send(fillCall(target, call, variables, adjustment));
  for (const [index, step] of setup.entries()) {
    if (step.op !== "request") {
      await takeStep(target, step);
      continue;
    }
    const { expect, repeat = 1, ...call } = step;
    for (let sent = 1; sent < repeat; sent += 1) await send(call);
    const given = await send(call);
    const wanted = expect === undefined ? undefined : (adjustment.setupStatus ?? expect);
    if (wanted !== undefined && given.status !== wanted)
      problems.push(`step ${index + 1} before: wanted ${wanted}, got ${given.status} ${given.text}`);
    await target.local?.sendMails();
    await capture(target, step, given, variables);
  }
  return { given: await send(request), variables, problems };
}

async function takeStep(target: Target, step: Exclude<Step, RequestStep>): Promise<void> {
  const { local } = target;
  if (!local) throw new Error(`A server far away cannot take the step ${step.op}`);
  if (step.op === "wait") local.advance(step.span);
  else await local.change(step);
}

async function capture(
  target: Target,
  step: RequestStep,
  given: Given,
  variables: Map<string, string>,
): Promise<void> {
  for (const [name, path] of Object.entries(step.capture ?? {})) variables.set(name, pick(given, path));
  if (!step.capture_mail && !step.capture_code) return;
  if (!target.local) throw new Error("Nobody reads the mail of a server far away");
  const { token, code } = await target.local.lastMail();
  if (step.capture_mail) variables.set(step.capture_mail, token);
  if (step.capture_code) variables.set(step.capture_code, code);
}

function pick(given: Given, path: string): string {
  let value: unknown = JSON.parse(given.text);
  for (const name of path.split(".")) value = (value as Record<string, unknown> | undefined)?.[name];
  return String(value);
}

/** The call with tokens and captured values in it, and its JSON as the text that is sent. */
function fillCall(
  target: Target,
  call: Call,
  variables: ReadonlyMap<string, string>,
  { linkHeaders = [] }: Adjustment,
): Call {
  const fill = (text: string): string =>
    text.replaceAll(/<(tok|var):([^>]+)>/g, (all, kind: string, name: string) =>
      kind === "tok" ? mintToken(name, target.now()) : (variables.get(name) ?? all),
    );
  const isLink = call.method === "GET" && call.path.includes("/verify-email/");
  const { json, text, multipart, ...rest } = call;
  const body = json === undefined ? text : JSON.stringify(json);
  const headers = [...(call.headers ?? []), ...(isLink ? linkHeaders : [])];
  const type: HeaderPairs = json === undefined ? [] : [["Content-Type", "application/json"]];
  return {
    ...rest,
    path: fill(call.path),
    headers: [...type, ...headers].map(([name, value]) => [name, fill(value)]),
    ...(body === undefined ? {} : { text: fill(body) }),
    ...(multipart ? { multipart: multipart.map((part) => fillPart(part, fill)) } : {}),
  };
}

function fillPart(part: Part, fill: (text: string) => string): Part {
  return part.value === undefined ? part : { ...part, value: fill(part.value) };
}
