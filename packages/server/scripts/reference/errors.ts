/** The page of errors, from the classes that declare them and the endpoints that say they throw them. */

import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { ApiError, type DeclaredError, Throttled } from "../../src/platform/http/errors.ts";
import type { AnyOf } from "./http-api.ts";
import { code, page, table } from "./markdown.ts";
import { source, sourceFiles } from "./source.ts";

/** What the platform answers with wherever it is due, so that no endpoint declares it. */
const everywhere: Readonly<Record<string, readonly [status: number, meaning: string]>> = {
  parse_error: [400, "The body is not what its content type says."],
  foreign_form: [403, "A page's form came from a page that is not ours."],
  not_found: [404, "There is no such path."],
  method_not_allowed: [405, "The path takes other methods; `Allow` names them."],
  too_large: [413, "The body is larger than 64 KiB."],
  unsupported_media_type: [415, "The body is neither JSON nor a form."],
  error: [500, "A bug. The cause is in the log, under the `X-Request-Id` of the answer."],
  too_busy: [
    503,
    "More passwords at this moment than the machine can hash. `Retry-After` says when to come back.",
  ],
  unavailable: [503, "The database cannot answer just now. `Retry-After` says when to come back."],
};

export async function describeErrors(endpoints: readonly AnyOf[]): Promise<string> {
  const classes = await findErrorClasses();
  const codes = new Set([...classes.map((one) => one.code), ...Object.keys(everywhere)]);
  const rows = [...codes].toSorted().map((name) => {
    const same = classes.filter((one) => one.code === name);
    const examples = [...new Set(same.map(exampleBody).filter((body) => body !== undefined))];
    const meaning = everywhere[name]?.[1] ?? meanings[name] ?? "";
    return [
      code(name),
      String(same[0]?.status ?? everywhere[name]?.[0] ?? ""),
      [meaning, ...examples.map(code)].filter((part) => part !== "").join("<br>"),
      findPlaces(name, endpoints),
    ];
  });
  return page(
    "Errors",
    'Bodies are those of Django REST Framework: `{"detail": "…"}`, or lists of sentences by field, with ' +
      "`non_field_errors` for the form as a whole. With `Accept: application/problem+json` the same error comes as " +
      "RFC 9457: `type`, `title`, `status`, `detail`, `code`, `errors` (by field) and `ref` (the request's id). The " +
      "codes below are the `code` of that form; renaming one is a breaking change. The plain body has a `code` only " +
      "where simplejwt wrote one.",
    "Every 401 has `WWW-Authenticate`, every 405 `Allow`, every 429 `Retry-After` in whole seconds.",
    table(["Code", "Status", "Meaning, and the body in English", "Where"], rows),
  );
}

const meanings: Readonly<Record<string, string>> = {
  invalid: 'Fields are missing or wrong: `{"email": ["Enter a valid email address."]}`.',
  throttled:
    'Too many calls, or too many guesses: `{"detail":"Request was throttled. Expected available in 42 seconds."}`.',
  token_not_valid:
    "The token is malformed, expired, used up, of a session that ended, or meant for another door.",
  invalid_credentials: "Wrong password, unknown address or disabled account: one answer.",
  not_ready:
    'The node is stopping, `{"status":"stopping","detail":"…"}`, or something that it needs does not work, ' +
    '`{"status":"unavailable","failed":["database"],"detail":"…"}`.',
  email_not_verified: "Only said to somebody who knows the password.",
};

function findPlaces(name: string, endpoints: readonly AnyOf[]): string {
  if (everywhere[name] || name === Throttled.code) return "everywhere";
  const has = (errors: readonly DeclaredError[]) => errors.some((error) => error.code === name);
  const byAccess = endpoints.some((one) => has(one.access.errors));
  const declaring = endpoints.filter((one) => has(one.errors) && !(byAccess && one.access.needsToken));
  return [
    ...(byAccess ? ["every call of somebody signed in"] : []),
    ...declaring.map((one) => code(`${one.method.toUpperCase()} ${one.path}`)),
  ].join("<br>");
}

type ErrorClass = DeclaredError & (new () => ApiError);

/** The body of a declared error, where it needs nothing to be made of. */
function exampleBody(one: ErrorClass): string | undefined {
  try {
    return one.length === 0 ? JSON.stringify(new one().body("en")) : undefined;
  } catch {
    return undefined;
  }
}

async function findErrorClasses(): Promise<ErrorClass[]> {
  const found = new Set<ErrorClass>();
  for (const path of sourceFiles()) {
    const module = (await import(pathToFileURL(join(source, path)).href)) as Record<string, unknown>;
    for (const value of Object.values(module)) {
      if (typeof value === "function" && value.prototype instanceof ApiError && "code" in value) {
        found.add(value as unknown as ErrorClass);
      }
    }
  }
  return [...found];
}
