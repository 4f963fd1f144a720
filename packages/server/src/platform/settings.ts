/** Reads a table of settings from an environment, and tells everything that is wrong with it at once. */

import { readFileSync } from "node:fs";
import { isOneSlipAway } from "./spelling.ts";

/** Turns text into a value, or throws an Error whose message completes "NAME …". */
export interface Reader<T> {
  readonly kind: string;
  read(text: string): T;
}

export interface Setting<T> {
  readonly name: string;
  readonly reader: Reader<T>;
  readonly meaning: string;
  /** The value when nothing is said, or undefined when there is none. */
  readonly fallback: T;
  /** How the fallback is written in the reference. */
  readonly fallbackText: string;
  /** Never shown. */
  readonly secret: boolean;
  /** Whether the file that NAME_FILE names may say it too. */
  readonly mayBeFile: boolean;
}

export type SettingTree = { readonly [key: string]: Setting<unknown> | SettingTree };

export type Resolved<Tree> = {
  readonly [Key in keyof Tree]: Tree[Key] extends Setting<infer T> ? T : Resolved<Tree[Key]>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Problem {
  readonly name: string;
  readonly message: string;
}

/** Declares one setting: its name, how it is read, what it means, and its value when unsaid. */
export function setting<T>(name: string, reader: Reader<T>, fallback: string, meaning: string): Setting<T>;
export function setting<T>(
  name: string,
  reader: Reader<T>,
  fallback: undefined,
  meaning: string,
): Setting<T | undefined>;
export function setting<T>(
  name: string,
  reader: Reader<T>,
  fallback: string | undefined,
  meaning: string,
): Setting<T | undefined> {
  return {
    name,
    reader,
    meaning,
    fallback: fallback === undefined ? undefined : reader.read(fallback),
    fallbackText: fallback ?? "",
    secret: false,
    mayBeFile: false,
  };
}

/** The same, for a value that may also come from the file that NAME_FILE names. */
export function fileSetting<T>(name: string, reader: Reader<T>, meaning: string): Setting<T | undefined> {
  return { ...setting(name, reader, undefined, meaning), mayBeFile: true };
}

/** The same, for a value that is never shown. */
export function secretSetting<T>(name: string, reader: Reader<T>, meaning: string): Setting<T | undefined> {
  return { ...fileSetting(name, reader, meaning), secret: true };
}

export function isSetting(node: Setting<unknown> | SettingTree): node is Setting<unknown> {
  return typeof (node as Setting<unknown>).reader === "object";
}

/** Every setting of a tree, in the order it is written in. */
export function listSettings(tree: SettingTree): Setting<unknown>[] {
  return Object.values(tree).flatMap((node) => (isSetting(node) ? [node] : listSettings(node)));
}

/** The values of a tree, and every problem met on the way; a setting with a problem keeps its fallback. */
export function readSettings<const Tree extends SettingTree>(
  tree: Tree,
  environment: Environment,
): { values: Resolved<Tree>; problems: Problem[] } {
  const problems = findMisspelt(listSettings(tree), environment);
  const resolve = (node: SettingTree): unknown =>
    Object.fromEntries(
      Object.entries(node).map(([key, child]) => [
        key,
        isSetting(child) ? readOne(child, environment, problems) : resolve(child),
      ]),
    );
  return { values: resolve(tree) as Resolved<Tree>, problems };
}

function readOne(one: Setting<unknown>, environment: Environment, problems: Problem[]): unknown {
  try {
    // An empty value is how compose files write "unsaid".
    const text = environment[one.name] || readNamedFile(one, environment);
    return text ? one.reader.read(text) : one.fallback;
  } catch (error) {
    problems.push({ name: one.name, message: (error as Error).message });
    return one.fallback;
  }
}

function readNamedFile(one: Setting<unknown>, environment: Environment): string | undefined {
  const path = one.mayBeFile ? environment[fileOf(one)] : undefined;
  if (!path) return undefined;
  let text: string;
  try {
    text = readFileSync(path, "utf8").trimEnd();
  } catch {
    throw new Error(`cannot be read from the file that ${fileOf(one)} names`);
  }
  if (text === "") throw new Error(`is empty in the file that ${fileOf(one)} names`);
  return text;
}

/**
 * A variable one slip away from one of ours, or in other letters, was meant to be ours; so was the file of a setting
 * that is read from none, and would stay at its default. Short names are too near to others'.
 */
function findMisspelt(settings: readonly Setting<unknown>[], environment: Environment): Problem[] {
  const long = settings.filter((one) => one.name.length >= leastLength);
  const names = settings.flatMap((one) => (one.mayBeFile ? [one.name, fileOf(one)] : [one.name]));
  return Object.keys(environment)
    .filter((name) => name.length >= leastLength && !names.includes(name))
    .flatMap((name) => {
      const ofFile = long.find((one) => fileOf(one) === name);
      if (ofFile) return [{ name, message: `is not a setting: ${ofFile.name} is not read from a file` }];
      const meant = names.find((one) => one.length >= leastLength && isMeant(name, one));
      return meant ? [{ name, message: `is not a setting: did you mean ${meant}?` }] : [];
    });
}

const leastLength = 7;
const fileOf = ({ name }: Setting<unknown>) => `${name}_FILE`;
const isMeant = (name: string, ours: string) => name.toUpperCase() === ours || isOneSlipAway(name, ours);
