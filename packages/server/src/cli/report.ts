/** Says everything that keeps a system from starting, in one form: what, why, where it comes from, and what mends it. */

import { findProductionProblems } from "../core/production-checks.ts";
import type { Problem } from "../platform/settings.ts";
import { version } from "../version.ts";
import type { Loaded } from "./environment.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { paint } from "./output.ts";
import { wrap } from "./visible.ts";

export interface Finding {
  readonly problem: string;
  readonly because?: string;
  readonly from?: string;
  /** One of them is enough. */
  readonly fixes: readonly string[];
}

type Read = Pick<Loaded, "config" | "problems" | "sources">;

/** What cannot be read. */
export function findUnreadable({ problems, sources }: Read): Finding[] {
  return problems.map(({ name, message, fix }) => ({
    problem: `${name} ${message}`,
    ...from(sources, name),
    fixes: fix === undefined ? [] : [fix],
  }));
}

/** What cannot be read, and in production what is unsafe: all for which a server does not start. */
export function findFindings(read: Read): Finding[] {
  const unreadable = new Set(read.problems.map(({ name }) => name));
  // A mode that cannot be read may have been meant to be that.
  const isProduction = read.config.mode === "production" || unreadable.has("NODE_ENV");
  const unsafe = isProduction ? findProductionProblems(read.config) : [];
  return [
    ...findUnreadable(read),
    ...unsafe.flatMap(({ problem, because, fixes }) => {
      const names = [problem, ...fixes].map((text) => /^[A-Z][A-Z0-9_]+/.exec(text)?.[0] ?? "");
      // What cannot be read counts as unset: that it is missing is no news.
      if (names.some((name) => unreadable.has(name))) return [];
      return [{ problem, because, ...from(read.sources, names[0] ?? ""), fixes }];
    }),
  ];
}

function from(sources: Read["sources"], name: string): { from?: string } {
  const source = sources[name] ?? sources[`${name}_FILE`];
  if (source === undefined) return {};
  return {
    from: source === "environment" ? "the environment" : source === "flag" ? "the command's flag" : source,
  };
}

/** Ends a command that works with the settings if they cannot be used. */
export function refuseUnreadable(read: Read): void {
  const findings = findUnreadable(read);
  if (findings.length === 0) return;
  fail([`The settings cannot be used: ${count(findings)}`, ...findings.flatMap(describeFinding)]);
}

/** Ends the start of a server, or what foretells it, if anything keeps it from starting. */
export function refuseStart(read: Read): void {
  const findings = findFindings(read);
  if (findings.length === 0) return;
  const title = `  imagaine-auth ${version}   ${read.config.mode}   refusing to start: ${count(findings)}`;
  fail(["", title, "", ...findings.flatMap(describeFinding), ""]);
}

const count = ({ length }: readonly Finding[]) => `${length} problem${length === 1 ? "" : "s"}`;

function fail(lines: readonly string[]): never {
  throw new CommandFailed(lines.join("\n"), exitCodes.configuration);
}

/** A warning in a line. */
export const describeWarning = ({ name, message, fix }: Problem) =>
  `${name} ${message}${fix === undefined ? "" : `   fix  ${fix}`}`;

function describeFinding({ problem, because, from, fixes }: Finding): string[] {
  const width = process.stderr.isTTY ? process.stderr.columns : undefined;
  const row = (label: string, text: string) => wrap(`      ${label.padEnd(4)}  ${text}`, 12, width);
  return [
    ...wrap(`  ${paint("red", process.stderr)("✗")} ${problem}`, 4, width),
    ...(because === undefined ? [] : row("why", because)),
    ...(from === undefined ? [] : row("from", from)),
    ...fixes.flatMap((fix, index) => row(index === 0 ? "fix" : "or", fix)),
  ];
}
