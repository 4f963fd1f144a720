/** What a command says, and where: its result on standard output, everything else on standard error. */

import { styleText } from "node:util";
import { exitCodes } from "./exit.ts";
import { type Column, formatTable } from "./table.ts";
import { toVisibleJson, visible } from "./visible.ts";

export type Style = "dim" | "bold" | "red" | "green" | "yellow";

/** Colours a text where that makes sense: on a terminal, and unless NO_COLOR or a dumb terminal says otherwise. */
export function paint(style: Style, stream: NodeJS.WriteStream = process.stdout): (text: string) => string {
  return (text) => styleText(style, text, { stream, validateStream: true });
}

export interface Output {
  readonly isJson: boolean;
  readonly isQuiet: boolean;
  /** Whether a person reads it. */
  readonly isTerminal: boolean;
  /** A line of the result. */
  readonly line: (text: string) => void;
  /** The result as one document. */
  readonly document: (value: unknown) => void;
  /** The result as rows. */
  readonly table: <Row>(columns: readonly Column<Row>[], rows: readonly Row[]) => void;
  /** Something beside the result; not said to who wants quiet. */
  readonly note: (text: string) => void;
  /** A moment: for a person from now ("2 h ago") unless --absolute is said, else in full. */
  readonly time: (moment: Date | null, never?: string) => string;
}

interface OutputFlags {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly absolute: boolean;
}

export function createOutput({ json, quiet, absolute }: OutputFlags): Output {
  const { stdout, stderr } = process;
  const isTerminal = stdout.isTTY && !json;
  const line = (text: string) => void stdout.write(`${text}\n`);
  return {
    isJson: json,
    isQuiet: quiet,
    isTerminal,
    line,
    document: (value) => line(toVisibleJson(value, stdout.isTTY ? 2 : undefined)),
    table: (columns, rows) => {
      const width = isTerminal ? stdout.columns : undefined;
      for (const one of formatTable(columns, rows, { width, dim: paint("dim") })) line(one);
    },
    note: (text) => {
      if (!quiet) stderr.write(`${paint("dim", stderr)(text)}\n`);
    },
    time: (moment, never = "–") => {
      if (!moment) return never;
      if (!isTerminal) return moment.toISOString();
      return absolute ? localTime(moment) : fromNow(moment, new Date());
    },
  };
}

/** "2026-11-24 14:02:11", where this machine is. */
export function localTime(at: Date): string {
  const two = (part: number) => String(part).padStart(2, "0");
  const day = [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(two).join("-");
  return `${day} ${[at.getHours(), at.getMinutes(), at.getSeconds()].map(two).join(":")}`;
}

const units: readonly (readonly [limit: number, unit: number, name: string])[] = [
  [3_600_000, 60_000, "min"],
  [86_400_000, 3_600_000, "h"],
  [7 * 86_400_000, 86_400_000, "d"],
];

/** "now", "5 min ago", "in 2 h", "3 d ago"; further away, the day. */
export function fromNow(moment: Date, now: Date): string {
  const distance = Math.abs(now.getTime() - moment.getTime());
  if (distance < 60_000) return "now";
  const unit = units.find(([limit]) => distance < limit);
  if (!unit) return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium" }).format(moment);
  const count = `${Math.floor(distance / unit[1])} ${unit[2]}`;
  return moment > now ? `in ${count}` : `${count} ago`;
}

/** Pairs of a name and a value, one a line, for a person or `grep`. */
export function facts(out: Output, pairs: readonly (readonly [name: string, value: string])[]): void {
  const width = Math.max(...pairs.map(([name]) => name.length));
  for (const [name, value] of pairs)
    out.line(`${paint("dim")(name.padEnd(width))}  ${visible(value)}`.trimEnd());
}

/** `| head` has read enough: that is no error. */
export function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== "EPIPE") throw error;
  process.exit(exitCodes.done);
}

/** From now on nothing ends because what is said cannot be written: its reader has gone, or its disk is full. */
export function outliveReader(): void {
  process.stdout.off("error", endWithReader);
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}
