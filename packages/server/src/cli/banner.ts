/** What the terminal shows at the start: where everything is, what was made, and which keys do something. */

import { networkInterfaces } from "node:os";
import type { Config } from "../config.ts";
import { version } from "../version.ts";
import { describeKeys, mailboxPath, referencePath } from "./development-keys.ts";
import { paint } from "./output.ts";
import { visible } from "./visible.ts";

export interface Start {
  readonly config: Config;
  /** The database in a few words: "SQLite data/auth.db (new, 4 migrations)". */
  readonly database: string;
  /** Files that this start made: on a first run, all there are. */
  readonly created: readonly string[];
  readonly users: number;
  /** Mails in the built-in mailbox; undefined where there is none. */
  readonly mails: number | undefined;
  readonly milliseconds: number;
  /** Whether keys do something. */
  readonly hasKeys: boolean;
}

const meanings: readonly (readonly [string, string])[] = [
  ["secret.key", "keep it with your backups: without it every session is lost"],
  ["auth.db", "all data"],
  [".gitignore", "keeps this folder out of git"],
];

/** The lines of a start, for a person: where everything is, and what a first run made. */
export function startLines(start: Start, columns = 100): string[] {
  const { config, database, created, milliseconds, hasKeys } = start;
  const node = process.versions.node.split(".").slice(0, 2).join(".");
  const pathWidth = Math.max(0, ...created.map((path) => path.length));
  const files = created.map((path, index) => {
    const meaning = meanings.find(([name]) => path.endsWith(name))?.[1];
    return besides(
      `  ${(index === 0 ? "Created" : "").padEnd(11)}${path.padEnd(pathWidth)}`,
      meaning,
      columns,
    );
  });
  const ready = `ready in ${(milliseconds / 1000).toFixed(1)} s`;
  const last = files.length > 0 ? [ready.replace("r", "R")] : [...counts(start), ready];
  const title = `  imagaine-auth ${version}   ${config.mode}   Node ${node}`;
  const header = besides(title, visible(database), columns, String).replace("imagaine-auth", paint("bold"));
  return [
    "",
    header,
    "",
    ...addresses(start, columns),
    "",
    ...files,
    ...(files.length > 0 ? [""] : []),
    besides(
      `  ${last.join(" · ")}`,
      hasKeys ? describeKeys(start.mails !== undefined) : "stop with Ctrl-C",
      columns,
    ),
    "",
  ];
}

/** Where what a newcomer looks for is, below the server's own address. */
export const addressesOf = (url: string) => ({
  api: `${url}/api/auth/`,
  reference: `${url}${referencePath}`,
  mailbox: `${url}${mailboxPath}`,
});

function addresses({ config, mails }: Start, columns: number): string[] {
  const { api, reference, mailbox } = addressesOf(config.publicUrl);
  const elsewhere = networkAddress(config);
  const rows: readonly (readonly [string, string, string?])[] = [
    ["API", api, `reference: ${reference}`],
    ...(mails === undefined ? [] : [["Mailbox", mailbox, whyMailbox(config)] as const]),
    ...(elsewhere === undefined
      ? []
      : [["Network", elsewhere, "everybody on your network can reach it"] as const]),
  ];
  const width = Math.max(...rows.map(([, url]) => url.length));
  return rows.map(([name, url, text]) =>
    besides(`  ${name.padEnd(11)}${text === undefined ? url : url.padEnd(width)}`, text, columns),
  );
}

const whyMailbox = ({ mail }: Config) =>
  mail.backend === "both"
    ? "a copy of every email lands here"
    : "no mail server configured: every email lands here";

/** A line with something beside it; below it where the terminal is too narrow, so that addresses can be copied. */
function besides(line: string, text: string | undefined, columns: number, style = paint("dim")): string {
  if (text === undefined) return line;
  const isRoom = line.length + 3 + text.length <= columns;
  return isRoom ? `${line}   ${style(text)}` : `${line}\n${" ".repeat(13)}${style(text)}`;
}

function counts({ users, mails }: Start): string[] {
  const some = (count: number, name: string) => `${count} ${name}${count === 1 ? "" : "s"}`;
  return [some(users, "user"), ...(mails ? [`${some(mails, "email")} in the mailbox`] : [])];
}

/** Where other machines reach a server that listens to more than this one. */
function networkAddress({ host, port }: Config): string | undefined {
  if (host !== "0.0.0.0" && host !== "::") return undefined;
  const found = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ family, internal }) => family === "IPv4" && !internal);
  return found && `http://${found.address}:${port}`;
}
