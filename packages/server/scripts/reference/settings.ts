/** The page of settings, from the table that the server reads them by. */

import { settings } from "../../src/config.ts";
import { isSetting, type Setting, type SettingTree } from "../../src/platform/settings.ts";
import { code, page, table } from "./markdown.ts";

export function describeSettings(): string {
  const parts: string[] = [];
  const walk = (title: string, tree: SettingTree): void => {
    const own = Object.values(tree).filter(isSetting);
    parts.push(`## ${title}`, settingTable(own));
    for (const [name, node] of Object.entries(tree)) if (!isSetting(node)) walk(titles[name] ?? name, node);
  };
  const titles: Readonly<Record<string, string>> = {
    database: "Database",
    mail: "Mail",
    tokens: "Tokens and sessions",
    passwords: "Passwords",
    limits: "Limits by address",
  };
  walk("The server", settings);
  return page(
    "Settings",
    "Settings are environment variables. The command line reads them from the environment and from a file `.env` in " +
      "the folder it is started in; the environment wins. An empty variable counts as unsaid. All problems are told " +
      "at once, before anything starts, and a name one slip away from one of these is a problem too. A secret, and " +
      "`DATABASE_URL`, may also be put into a file: `NAME_FILE` names it. A line of `.env` is `NAME=value`, with `#` " +
      "for comments; a value that has a `#` stands in quotes, and `$(…)` is not run. `imagaine-auth config show` says " +
      "which value counts, and where it comes from.",
    ...parts,
  );
}

function settingTable(list: readonly Setting<unknown>[]): string {
  return table(
    ["Name", "Value", "Unsaid", "Meaning"],
    list.map(({ name, reader, fallbackText, meaning, secret, mayBeFile }) => [
      code(name),
      `${plain(reader.kind)}${mayBeFile ? ` (${secret ? "secret; " : ""}also ${code(`${name}_FILE`)})` : ""}`,
      code(fallbackText),
      plain(meaning),
    ]),
  );
}

/** Text that Markdown is to show as it stands. */
const plain = (text: string) => text.replaceAll("<", "\\<");
