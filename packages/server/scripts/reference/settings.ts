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
      "the folder it is started in; the environment wins. An empty variable counts as unset. A secret, and " +
      "`DATABASE_URL`, may also be put into a file: `NAME_FILE` names it. A line of `.env` is `NAME=value`, with `#` " +
      "for comments; a value that has a `#` stands in quotes, and `$(…)` is not run. `imagaine-auth config show` says " +
      "which value counts, and where it comes from; `imagaine-auth config check` says what would keep a server from " +
      "starting, all at once, as a start does.",
    "White space, line ends and a byte order mark around a value are left off, wherever it comes from. (Django leaves " +
      "them on: where it shares a `SECRET_KEY` that ends in some, take them away there too. A warning says so.) A " +
      "value in quotes is refused, since `docker run --env-file` and its like keep them.",
    "A name one slip away from one of these is refused. In the environment, where it may be another program's, it is " +
      "only a warning once the setting itself is set too; so is a name like `LOG_LEVEL` or `APP_NAME`, which many " +
      "programs have. What other programs put under a name of ours is passed over with a warning: Kubernetes' " +
      "`EMAIL_PORT=tcp://…`, and conda's `HOST=x86_64-…`.",
    "A file that others may change is not believed: `.env` and `imagaine-auth.config.ts` are refused where everybody, " +
      "or a group that is not their owner's own, may write them or replace them in their folder, and so is the file " +
      "of a secret in production; in development that is a warning. On Windows nobody looks.",
    ...parts,
  );
}

function settingTable(list: readonly Setting<unknown>[]): string {
  return table(
    ["Name", "Value", "Default", "Meaning"],
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
