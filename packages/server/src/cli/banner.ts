/** What the terminal shows: at the start where everything is, afterwards each mail as it lands. */

import { styleText } from "node:util";
import type { Config } from "../config.ts";
import type { Delivery } from "../core/mail/worker.ts";
import { version } from "../version.ts";

export interface Start {
  readonly config: Config;
  /** The database in a few words: "SQLite data/auth.db (new, 4 migrations)". */
  readonly database: string;
  readonly created: readonly string[];
  readonly milliseconds: number;
}

const meanings: readonly (readonly [string, string])[] = [
  ["secret.key", "keep it with your backups: without it every session is lost"],
  ["auth.db", "all data"],
  [".gitignore", "keeps this folder out of git"],
];

/** The lines of a start, for a person; colours only where the terminal has them. */
export function startLines({ config, database, created, milliseconds }: Start): string[] {
  const [dim, bold] = [paint("dim"), paint("bold")];
  const { publicUrl } = config;
  const node = process.versions.node.split(".").slice(0, 2).join(".");
  const capturing = config.mail.backend === "capture" || config.mail.backend === "both";
  const files = created.map((path, index) => {
    const meaning = meanings.find(([name]) => path.endsWith(name))?.[1] ?? "";
    return `  ${(index === 0 ? "Created" : "").padEnd(9)}${path.padEnd(19)} ${dim(meaning)}`;
  });
  return [
    "",
    `  ${bold("imagaine-auth")} ${version}   ${config.mode}   Node ${node}   ${database}`,
    "",
    `  API        ${`${publicUrl}/api/auth/`.padEnd(36)} ${dim(`reference: ${publicUrl}/_/docs/`)}`,
    ...(capturing
      ? [
          `  Mailbox    ${`${publicUrl}/_/mailbox/`.padEnd(36)} ${dim("no mail server configured: every mail lands here")}`,
        ]
      : []),
    "",
    ...files,
    ...(files.length > 0 ? [""] : []),
    `  Ready in ${(milliseconds / 1000).toFixed(1)} s   ${dim("stop with Ctrl-C")}`,
    "",
  ];
}

/** One line for a mail that landed in the mailbox, with its code and link. */
export function mailLine({ mail, message }: Delivery, at: Date): string {
  const code = /\b\d{3} \d{3}\b/.exec(message.text)?.[0];
  const link = /https?:\/\/\S+/.exec(message.text)?.[0];
  const parts = [`✉ ${mail} → ${message.to}`, code && `code ${code}`, link];
  return `  ${at.toTimeString().slice(0, 8)} ${parts.filter(Boolean).join("   ")}`;
}

type Style = "dim" | "bold" | "red" | "green" | "yellow";

/** Colours a text where that makes sense: on a terminal, and unless NO_COLOR says otherwise. */
export function paint(style: Style): (text: string) => string {
  return (text) => styleText(style, text, { stream: process.stdout, validateStream: true });
}
