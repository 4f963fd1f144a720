/** Reads a file of settings, each value as it stands there, and refuses a line that could be read in two ways. */

import type { Environment, Problem } from "../platform/settings.ts";

// Not Node's own reader: it cuts a value at any #, which a secret may have, passes over lines that it does not
// understand, and takes the next line for the value when an empty one ends in a space.
const comment = String.raw`(?:#[^\n]*)?`;
const quoted = String.raw`(?<quote>["'\`])(?<inner>(?:(?!\k<quote>)[^])*)\k<quote>(?:[^\S\n]+${comment})?`;
const bare = String.raw`(?<plain>(?:[^\s#"'\`][^\n#]*)?)(?:(?<=[^\S\n])#[^\n]*)?`;
const assignment = String.raw`(?:export[^\S\n]+)?(?<name>[A-Za-z_]\w*)[^\S\n]*=[^\S\n]*(?:${quoted}|${bare})`;
const clearLine = new RegExp(String.raw`[^\S\n]*(?:${assignment}|${comment})(?:\n|$)`, "y");

/** What the text of a file says, and every line of it that is not clear; no problem repeats what the line holds. */
export function readSettingsText(file: string, text: string): { values: Environment; problems: Problem[] } {
  // Editors of Windows begin a file with a mark that would become part of the first name.
  const rest = text.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const values: Record<string, string> = {};
  const problems: Problem[] = [];
  const saidAt = new Map<string, number>();
  for (let at = 0, line = 1; at < rest.length; ) {
    clearLine.lastIndex = at;
    const clear = clearLine.exec(rest);
    const lineEnd = rest.indexOf("\n", at);
    const next = clear ? clearLine.lastIndex : lineEnd < 0 ? rest.length : lineEnd + 1;
    const { name, inner, plain = "" } = clear?.groups ?? {};
    const earlier = name === undefined ? undefined : saidAt.get(name);
    const refuse = (message: string) => problems.push({ name: `${file}, line ${line},`, message });
    if (!clear) refuse(sayWhy(rest.slice(at, next)));
    else if (earlier !== undefined) refuse(`says ${name} again, after line ${earlier}`);
    else if (name !== undefined) {
      values[name] = inner ?? plain.trim();
      saidAt.set(name, line);
    }
    line += rest.slice(at, next).split("\n").length - 1;
    at = next;
  }
  return { values, problems };
}

function sayWhy(line: string): string {
  if (!/^\s*(?:export\s+)?[A-Za-z_]\w*\s*=/.test(line)) return "is not of the form NAME=value";
  if (/=\s*["'`]/.test(line)) return "has a quote that does not end with the value";
  return "has a # in its value, which would begin a comment: put the value in quotes";
}
