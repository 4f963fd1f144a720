/** Reads a table of settings from an environment, and tells everything that is wrong or doubtful in it at once. */

import { isUtf8 } from "node:buffer";
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
  /** Whether other programs go by names like it, and nothing is lost when it stays at its default. */
  readonly isEveryday: boolean;
}

export type SettingTree = { readonly [key: string]: Setting<unknown> | SettingTree };

export type Resolved<Tree> = {
  readonly [Key in keyof Tree]: Tree[Key] extends Setting<infer T> ? T : Resolved<Tree[Key]>;
};

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Problem {
  readonly name: string;
  readonly message: string;
  /** What puts it right, where the message does not say so. */
  readonly fix?: string;
}

export interface ReadValues<Tree> {
  readonly values: Resolved<Tree>;
  /** What cannot be used: nothing may start with it. */
  readonly problems: Problem[];
  /** What is passed over, or read in another way than somebody might expect. */
  readonly warnings: Problem[];
}

/** Declares one setting: its name, how it is read, what it means, and its value when unset. */
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
    isEveryday: false,
  };
}

/** The same, with a name like which other programs have some too. */
export function everydaySetting<T>(
  name: string,
  reader: Reader<T>,
  fallback: string,
  meaning: string,
): Setting<T> {
  return { ...setting(name, reader, fallback, meaning), isEveryday: true };
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

/**
 * The values of a tree, and everything that is wrong or doubtful; a setting with a problem keeps its fallback. `own` are
 * the names that stand where nobody but this program reads: there a misspelt one is never another program's.
 */
export function readSettings<const Tree extends SettingTree>(
  tree: Tree,
  environment: Environment,
  own: ReadonlySet<string> = new Set(),
): ReadValues<Tree> {
  const look: Look = { environment, own, problems: [], warnings: [] };
  findMisspelt(listSettings(tree), look);
  const resolve = (node: SettingTree): unknown =>
    Object.fromEntries(
      Object.entries(node).map(([key, child]) => [
        key,
        isSetting(child) ? readOne(child, look) : resolve(child),
      ]),
    );
  const values = resolve(tree) as Resolved<Tree>;
  return { values, problems: look.problems, warnings: look.warnings };
}

interface Look {
  readonly environment: Environment;
  readonly own: ReadonlySet<string>;
  readonly problems: Problem[];
  readonly warnings: Problem[];
}

function readOne(one: Setting<unknown>, look: Look): unknown {
  const { name, reader, fallback } = one;
  const whose = look.own.has(name) ? undefined : findOtherMeaning(name, look.environment[name]);
  if (whose !== undefined) look.warnings.push({ name, message: `is not read: its value is ${whose}` });
  try {
    // An empty value is how compose files write "unset".
    const text = (whose === undefined && readSaid(one, look)) || readNamedFile(one, look);
    return text ? reader.read(text) : fallback;
  } catch (error) {
    look.problems.push({ name, message: (error as Error).message });
    return fallback;
  }
}

/** What the variable says, if anything. */
function readSaid(one: Setting<unknown>, { environment, warnings }: Look): string {
  const given = environment[one.name];
  const text = cleanValue(given);
  if (isInQuotes(text)) {
    const door = one.mayBeFile ? `; one that has them may stand in the file that ${fileOf(one)} names` : "";
    throw new Error(`is in quotes, which would be a part of it: take them away${door}`);
  }
  if (one.secret && text !== "" && text !== given) {
    const message = "has white space at an end, which is left off: whoever shares it must leave it off too";
    warnings.push({ name: one.name, message });
  }
  return text;
}

function readNamedFile(one: Setting<unknown>, { environment }: Look): string | undefined {
  const path = one.mayBeFile ? cleanValue(environment[fileOf(one)]) : "";
  if (!path) return undefined;
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch {
    throw new Error(`cannot be read from the file that ${fileOf(one)} names`);
  }
  // What some shells of Windows write is in two bytes a letter, and would be a value, but another one.
  if (!isUtf8(bytes) || bytes.includes(0))
    throw new Error(`is no UTF-8 text in the file that ${fileOf(one)} names`);
  const text = cleanValue(bytes.toString());
  if (text === "") throw new Error(`is empty in the file that ${fileOf(one)} names`);
  return text;
}

/**
 * A value without what stands around it unseen: line ends, blanks of every kind and the mark that editors of Windows put
 * first. What is mounted, piped or pasted often brings some along.
 */
export function cleanValue(given: string | undefined): string {
  if (given === undefined) return "";
  if (typeof given !== "string") throw new Error("must be a text");
  let [from, to] = [0, given.length];
  while (from < to && isUnseen(given[from])) from += 1;
  while (to > from && isUnseen(given[to - 1])) to -= 1;
  return given.slice(from, to);
}

const isUnseen = (letter = "") => /[\s\u200B\u2060]/.test(letter);

/** A container engine's `--env-file` keeps the quotes that a shell, and a file of ours, would take away. */
const isInQuotes = (text: string) => text.length > 1 && /^["'`]/.test(text) && text.at(-1) === text[0];

/** What others put under names that are ours as well. */
const otherMeanings: readonly { readonly name: RegExp; readonly value: RegExp; readonly whose: string }[] = [
  {
    name: /(?:^|_)PORT$/,
    value: /^(?:tcp|udp|sctp):\/\//,
    whose: "Kubernetes' link to a service of that name (enableServiceLinks: false makes none)",
  },
  {
    name: /^HOST$/,
    value: /^(?:x86_64|i[3-6]86|aarch64|arm64|armv\w+|ppc64le|powerpc64le|s390x|riscv64)-/,
    whose: "a kind of machine, as conda and compilers say it, and no address",
  },
];

/** Whose value it is, if it cannot be meant for us. */
export function findOtherMeaning(name: string, value: string | undefined): string | undefined {
  const text = typeof value === "string" ? cleanValue(value) : "";
  return otherMeanings.find((one) => one.name.test(name) && one.value.test(text))?.whose;
}

/**
 * A variable one slip away from one of ours, or in other letters, was meant to be ours; so was the file of a setting
 * that is read from none, and would stay at its default. Beside ours, or where nothing is lost, it may as well be another
 * program's. Short names are too near to others'.
 */
function findMisspelt(
  settings: readonly Setting<unknown>[],
  { environment, own, problems, warnings }: Look,
): void {
  const names = new Set(settings.flatMap((one) => (one.mayBeFile ? [one.name, fileOf(one)] : [one.name])));
  for (const [name, value] of Object.entries(environment)) {
    if (name.length < leastLength || names.has(name) || !value) continue;
    const meant = findMeantSetting(settings, name);
    if (!meant) continue;
    const { one, ours } = meant;
    const isSaid = cleanValue(environment[one.name]) || (one.mayBeFile && environment[fileOf(one)]);
    if (own.has(name) || !(isSaid || one.isEveryday)) {
      const fix = own.has(name) ? {} : { fix: `${one.name}=… (beside it, ${name} may be another program's)` };
      const hint = ours === undefined ? `${one.name} is not read from a file` : `did you mean ${ours}?`;
      problems.push({ name, message: `is not a setting: ${hint}`, ...fix });
    } else {
      warnings.push({ name, message: `is not read: the setting is called ${one.name}` });
    }
  }
}

/** Which setting a name was meant for, and the name it should have; undefined for the file of one that has none. */
function findMeantSetting(settings: readonly Setting<unknown>[], name: string) {
  const long = settings.filter((one) => one.name.length >= leastLength);
  const ofFile = long.find((one) => fileOf(one) === name);
  if (ofFile) return { one: ofFile, ours: undefined };
  for (const one of settings) {
    const ours = (one.mayBeFile ? [one.name, fileOf(one)] : [one.name]).find(
      (known) => known.length >= leastLength && isMeant(name, known),
    );
    if (ours !== undefined) return { one, ours };
  }
  return undefined;
}

const leastLength = 7;
const fileOf = ({ name }: Setting<unknown>) => `${name}_FILE`;
const isMeant = (name: string, ours: string) =>
  name.toUpperCase() === ours || isOneSlipAway(name.toUpperCase(), ours);
