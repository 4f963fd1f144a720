/** Holds the settings that an embedder hands over to those that there are: `rateLimits: "off"` would leave them on. */

import { type Config, loadConfig, settings } from "../config.ts";
import { describeUnknown, isTable, show, toSentence } from "../platform/options.ts";
import { isSetting, type Setting, type SettingTree } from "../platform/settings.ts";

type Values = Readonly<Record<string, unknown>>;

/** All that is wrong with settings that did not come from `loadConfig` as they are, as sentences. */
export function findConfigProblems(config: Config): string[] {
  const usual = loadConfig({}).config;
  return findGroupProblems("config", config, usual as unknown as Values, settings);
}

function findGroupProblems(path: string, given: unknown, usual: Values, known: SettingTree): string[] {
  if (!isTable(given)) return [`${path} is ${show(given)}, and must be what loadConfig gives.`];
  const unknown = Object.keys(given)
    .filter((word) => !Object.hasOwn(usual, word))
    .map((word) => toSentence(`${path} has ${describeUnknown("setting", word, Object.keys(usual))}`));
  const wrong = Object.entries(usual).flatMap(([word, value]) => {
    const node: Setting<unknown> | SettingTree | undefined = known[word];
    if (node && !isSetting(node))
      return findGroupProblems(`${path}.${word}`, given[word], value as Values, node);
    const problem = findValueProblem(given[word], value, node);
    return problem === undefined ? [] : [`${path}.${word} is ${show(given[word])}, and ${problem}.`];
  });
  return [...unknown, ...wrong];
}

function findValueProblem(
  value: unknown,
  usual: unknown,
  one: Setting<unknown> | undefined,
): string | undefined {
  // Where nothing is usual, there is nothing to compare with.
  if (usual === undefined) return undefined;
  if (typeof value !== typeof usual) return `must be a ${typeof usual}`;
  if (typeof value === "number") return Number.isFinite(value) ? undefined : "must be a number";
  // What a production without a mail server has, and no text says.
  if (typeof value !== "string" || !one || value === "missing" || value === "") return undefined;
  try {
    one.reader.read(value);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
