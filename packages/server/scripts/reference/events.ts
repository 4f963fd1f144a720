/** The page of events, from the lines that declare them. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { code, page, table } from "./markdown.ts";
import { source, sourceFiles } from "./source.ts";

const eventPattern = /export const \w+ = event(?:<(?<details>[^>]*)>)?\(\s*"(?<name>[^"]+)"/g;

export function describeEvents(): string {
  const rows = sourceFiles().flatMap((path) =>
    [...readFileSync(join(source, path), "utf8").matchAll(eventPattern)].map(({ groups = {} }) => [
      code(groups.name ?? ""),
      detailsOf(groups.details ?? ""),
      code(path),
    ]),
  );
  return page(
    "Events",
    "What happened is written into the table `audit`, in the transaction that made it happen: the event, the account " +
      "it concerns if any, the time, the caller's address and user agent, the request's id, and the details below. " +
      "Details are plain facts and never secrets.",
    table(
      ["Event", "Details", "Recorded by"],
      rows.toSorted((one, other) => (String(one[0]) < String(other[0]) ? -1 : 1)),
    ),
  );
}

/** `{ session: string; seq: number }` as a person reads it. */
function detailsOf(type: string): string {
  const members = type.replace(/^\s*\{|\}\s*$/g, "").split(";");
  return members
    .map((member) => member.trim())
    .filter((member) => member !== "")
    .map((member) => code(member))
    .join(", ");
}
