/** imagaine-auth config: every setting, its value, and who said so; what is secret stays hidden. */

import { Argument, type Command } from "commander";
import { type Config, settings } from "../config.ts";
import { cleanValue, listSettings, type Setting } from "../platform/settings.ts";
import { type Loaded, loadEnvironment } from "./environment.ts";
import { type Call, callOf } from "./flags.ts";
import { addCommand } from "./help.ts";
import { describeWarning, findFindings, refuseStart } from "./report.ts";

export function addConfig(program: Command): void {
  addCommand(program, {
    name: "config",
    sentence: "Show every setting: its value, where it comes from, and its default; or check them all",
    examples: [
      "imagaine-auth config show",
      "imagaine-auth config check",
      "imagaine-auth config show --settings production.env",
    ],
  })
    .addArgument(
      new Argument("[what]", "show, or check, which says what keeps a server from starting")
        .choices(["show", "check"])
        .default("show"),
    )
    .action((what: string, _options: unknown, command: Command) =>
      what === "check" ? check(callOf(command)) : show(callOf(command)),
    );
}

async function check({ flags, out }: Call): Promise<void> {
  const loaded = await loadEnvironment(flags);
  if (out.isJson) out.document(listFindings(loaded));
  else for (const one of loaded.warnings) out.note(`▲ ${describeWarning(one)}`);
  refuseStart(loaded);
  if (!out.isJson && !out.isQuiet) out.line(`Nothing keeps a server from starting (${loaded.config.mode}).`);
}

/** As JSON: everything that a start would say. */
const listFindings = (loaded: Loaded) => ({
  mode: loaded.config.mode,
  problems: findFindings(loaded).map(({ problem, because = null, from = null, fixes }) => ({
    ...{ problem, because, from, fixes },
  })),
  warnings: loaded.warnings.map(describeWarning),
});

async function show({ flags, out }: Call): Promise<void> {
  const loaded = await loadEnvironment(flags);
  const rows = listSettings(settings).map((one) => describeSetting(one, loaded));
  if (out.isJson) {
    const described = rows.map(({ isSecret, ...row }) => ({ ...row, secret: isSecret }));
    out.document({ settings: described, ...listFindings(loaded) });
  } else {
    out.table(
      [
        { title: "SETTING", value: (row) => row.name },
        { title: "VALUE", value: (row) => row.value ?? "–", mayShrink: true },
        { title: "FROM", value: (row) => row.source, mayShrink: true },
        { title: "DEFAULT", value: (row) => row.default ?? "–", mayShrink: true, mayGo: true },
      ],
      rows,
    );
  }
  if (!out.isJson) for (const one of loaded.warnings) out.note(`▲ ${describeWarning(one)}`);
  refuseStart(loaded);
}

interface DescribedSetting {
  readonly name: string;
  /** Null: nothing is said, and there is no default. */
  readonly value: string | null;
  readonly source: string;
  readonly default: string | null;
  readonly meaning: string;
  readonly isSecret: boolean;
}

const hidden = "••••";

function describeSetting(one: Setting<unknown>, loaded: Loaded): DescribedSetting {
  const { name, meaning, secret, fallbackText } = one;
  const source = sourceOf(one, loaded);
  const said = cleanValue(loaded.environment[name]) || undefined;
  const value = said ?? workedOut[name]?.(loaded.config) ?? fallbackText;
  const shown = secret ? (source === "default" ? null : hidden) : hidePassword(value) || null;
  return { name, value: shown, source, default: fallbackText || null, meaning, isSecret: secret };
}

function sourceOf({ name, mayBeFile }: Setting<unknown>, { sources, environment }: Loaded): string {
  if (environment[name]) return sources[name] ?? "default";
  const file = mayBeFile ? environment[`${name}_FILE`] : undefined;
  return file ? `the file ${file}` : "default";
}

/** Settings whose default depends on others. */
const workedOut: Readonly<Record<string, (config: Config) => string>> = {
  PUBLIC_URL: ({ publicUrl }) => publicUrl,
  DATABASE_URL: ({ database }) => database.url,
  EMAIL_BACKEND: ({ mail }) => mail.backend,
  EMAIL_PORT: ({ mail }) => String(mail.port),
  JWT_ISSUER: ({ tokens }) => tokens.issuer,
};

/** An address of the form scheme://user:password@host, with its password hidden; up to the last @, however it is written. */
export function hidePassword(text: string): string {
  return text
    .replace(/^([a-z][a-z0-9+.-]*:\/\/[^/@:]*:).*@/is, `$1${hidden}@`)
    .replaceAll(/([?&][a-z_]*(?:password|secret|token|key)=)[^&#]*/gi, `$1${hidden}`);
}
