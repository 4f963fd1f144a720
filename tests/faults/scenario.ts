/** A fault, and what must hold: each scenario is one sentence, what goes wrong, and the most that each figure may be. */

import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import type { Load } from "./load.ts";
import type { Stage } from "./stage.ts";

/** By name; times are seconds. Infinity: it never came. */
export type Figures = Readonly<Record<string, number>>;

export interface Measured {
  readonly figures: Figures;
  /** Answers by status while the fault lasted, and from then on until all was well. */
  readonly answers?: string;
}

export interface Scenario<S extends Stage> {
  readonly stage: () => Promise<S>;
  /** Lets it go wrong, and measures. */
  readonly fault: (stage: S) => Promise<Measured>;
  /** The most that each figure may be. */
  readonly must: Figures;
}

interface Result extends Measured {
  readonly sentence: string;
  readonly must: Figures;
}

const results: Result[] = [];

/** Runs so many scenarios at a time, and prints what was measured: a table, and a line of JSON for a program. */
export function runScenarios(title: string, atATime: number, scenarios: () => void): void {
  describe(title, { concurrency: atATime }, scenarios);
  after(() => {
    const lines = results.map(({ sentence, figures, answers, must }) => [
      sentence,
      ...Object.entries(figures).map(([name, figure]) => {
        const most = must[name];
        const isOver = most !== undefined && !(figure <= most);
        return `    ${isOver ? "✗" : "✓"} ${name}: ${round(figure)}${most === undefined ? "" : ` (at most ${most})`}`;
      }),
      ...(answers ? [`      answers: ${answers}`] : []),
    ]);
    process.stdout.write(`${lines.flat().join("\n")}\n`);
    process.stdout.write(`${JSON.stringify({ faults: results }, (_key, value) => writeInfinity(value))}\n`);
  });
}

export function scenario<S extends Stage>(sentence: string, { stage, fault, must }: Scenario<S>): void {
  it(sentence, async () => {
    await using scene = await stage();
    const measured = await fault(scene);
    results.push({ sentence, must, ...measured });
    const over = Object.entries(must)
      .filter(([name, most]) => !((measured.figures[name] ?? Number.POSITIVE_INFINITY) <= most))
      .map(
        ([name, most]) =>
          `${name} is ${round(measured.figures[name] ?? Number.NaN)}, at most ${most} is right`,
      );
    assert.deepEqual(over, [], [...over, measured.answers ?? "", lastWords(scene)].join("\n"));
  });
}

/** What every fault of a database is measured by: it begins, it ends, and then the server has to be well again. */
export async function measure(
  { load }: { readonly load: Load },
  fault: () => Promise<void>,
  within = 30,
): Promise<Measured> {
  while (load.acknowledged() < 20) await pause(50);
  const began = performance.now();
  const before = load.acknowledged();
  await fault();
  const ended = performance.now();
  const well = await load.untilWell(ended, within);
  const { lost, revived, shutOut } = await load.check();
  const counted = load.answers.filter((one) => one.ended >= began && ["read", "write"].includes(one.kind));
  const longest = (kind: string, from = 0) =>
    Math.max(
      0,
      ...load.answers
        .filter((one) => one.kind === kind && one.ended >= from)
        .map((one) => one.ended - one.began),
    ) / 1000;
  return {
    figures: {
      "well after": well,
      "longest answer": Math.max(longest("read", began), longest("write", began)),
      "longest read": longest("read", began),
      "longest health": longest("health", began),
      "health not 200": load.answers.filter(({ kind, status }) => kind === "health" && status !== 200).length,
      "acknowledged lost": lost,
      "ended revived": revived,
      "shut out": shutOut,
      acknowledged: load.acknowledged() - before,
    },
    answers: countStatuses(counted),
  };
}

function countStatuses(answers: readonly { readonly kind: string; readonly status: number }[]): string {
  const counts = Map.groupBy(answers, ({ kind, status }) => `${kind} ${status || "none"}`);
  return [...counts]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { length }]) => `${length} × ${name}`)
    .join(", ");
}

/** What the server said last, for whoever has to find out. */
function lastWords(stage: Stage): string {
  const complaints = stage.server().lines.filter((line) => /"level":"(?:warn|error)"/.test(line));
  return [...complaints.slice(-8), stage.server().err()].map((line) => line.slice(0, 500)).join("\n");
}

const round = (figure: number) => (Number.isFinite(figure) ? String(Math.round(figure * 10) / 10) : "never");

const writeInfinity = (value: unknown) => (value === Number.POSITIVE_INFINITY ? "never" : value);
