/** Runs `imagaine-auth.config.ts` for the user fields that it declares, or says everything that keeps it from being used. */

import { existsSync, readFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { findFieldsProblems, type UserFields } from "../core/accounts/fields.ts";
import { describeUnknown, type OptionsOf, object, toSentence } from "../platform/options.ts";
import type { Problem } from "../platform/settings.ts";
import { findWriters } from "./file-trust.ts";

export interface DeclaredFields {
  /** The file's whole path, if there is one. */
  readonly file: string | undefined;
  readonly fields: UserFields;
  readonly problems: readonly Problem[];
}

/** What the file can export. */
interface Exports {
  readonly fields?: UserFields;
}

export const configExports: OptionsOf<Exports> = { fields: object };

const base = "imagaine-auth.config";
const readNames = ["ts", "mjs", "js"].map((ending) => `${base}.${ending}`);
/** What somebody may call it who is used to other tools. */
const otherNames = ["mts", "cts", "cjs", "tsx", "jsx", "json"].map((ending) => `${base}.${ending}`);

/** The fields that the file in the folder declares; `tell` is told which file it is before that is run. */
export async function readDeclaredFields(
  folder: string,
  tell: (file: string) => void,
): Promise<DeclaredFields> {
  const stands = (name: string) => existsSync(join(folder, name));
  const [name, second] = readNames.filter(stands);
  const other = otherNames.find(stands);
  const problems: Problem[] = [];
  if (other) problems.push({ name: other, message: "is not read", fix: `call it ${readNames.join(" or ")}` });
  if (second) problems.push({ name: `${name} and ${second}`, message: "both declare the fields: keep one" });
  if (name === undefined) return { file: undefined, fields: {}, problems };
  const file = resolve(folder, name);
  const distrust = findWriters(file);
  if (distrust) problems.push({ name, message: `${distrust.problem}, and would be run`, fix: distrust.fix });
  if (problems.length > 0) return { file, fields: {}, problems };
  tell(file);
  try {
    const exported = readExports((await import(pathToFileURL(file).href)) as object);
    const { fields } = { fields: {}, ...exported };
    const wrong = [...findExportProblems(exported), ...findFieldsProblems(fields)];
    if (wrong.length === 0) return { file, fields, problems };
    return { file, fields: {}, problems: wrong.map((message) => ({ name: `${name}:`, message })) };
  } catch (error) {
    return { file, fields: {}, problems: describeFailure(error, file, name) };
  }
}

/** A CommonJS module has its exports under a name of their own. */
function readExports(module: object): Exports {
  const exported: unknown = "module.exports" in module ? module["module.exports"] : module;
  return typeof exported === "object" && exported !== null ? exported : {};
}

function findExportProblems(exported: Exports): string[] {
  const known = Object.keys(configExports);
  const words = Object.keys(exported);
  const wrong = words.filter((word) => !known.includes(word));
  if (wrong.length > 0)
    return wrong.map((word) => toSentence(`There is ${describeUnknown("export", word, known)}`));
  return words.length > 0 ? [] : ["It exports nothing: write `export const fields = { … }`."];
}

/** What happened, and where: the line of the file, or of another one that it imports. */
function describeFailure(error: unknown, file: string, name: string): Problem[] {
  const declared = error instanceof Error && "problems" in error ? error.problems : undefined;
  if (Array.isArray(declared)) return declared.map((one) => ({ name: `${name}:`, message: String(one) }));
  const message = toSentence(error instanceof Error ? error.message : `${String(error)} was thrown`);
  const place = findPlace(error, file);
  const where = place && `, ${place.file === file ? "" : `in ${place.file}, `}line ${place.line}`;
  const problem = { name: `${name}${where ?? ""}:`, message };
  if (message.includes("does not provide an export"))
    return [{ ...problem, fix: "import types with `import type`, and check the name" }];
  if (message.includes("strip-only"))
    return [
      { ...problem, fix: "write it as JavaScript has it: Node leaves types out, and compiles nothing" },
    ];
  return [problem];
}

function findPlace(error: unknown, file: string): Place | undefined {
  const place = error instanceof Error ? findLine(String(error.stack), file) : undefined;
  return place ?? (error instanceof SyntaxError ? findLine(checkSyntax(file), file) : undefined);
}

interface Place {
  readonly file: string;
  readonly line: string;
}

/** The first line that a stack names of the file, else of another one that is neither ours nor a package's. */
function findLine(stack: string, file: string): Place | undefined {
  for (const name of [file, pathToFileURL(file).href]) {
    const [, line] = stack.split(`${name}:`)[1]?.match(/^(\d+)/) ?? [];
    if (line !== undefined) return { file, line };
  }
  const places = stack.matchAll(
    /(?<=^|[\s(])(?<name>file:[^\s()]+?|\/[^\s:()]+):(?<line>\d+)(?::\d+)?\)?$/gm,
  );
  for (const { groups: { name = "", line = "" } = {} } of places) {
    const other = name.startsWith("file:") ? fileURLToPath(name) : name;
    const isOurs = other.startsWith(dirname(import.meta.dirname)) || /[\\/]node_modules[\\/]/.test(other);
    if (!isOurs) return { file: other, line };
  }
  return undefined;
}

/** Of a plain module that it cannot read, Node does not name the line; of the same text as TypeScript it does. */
function checkSyntax(file: string): string {
  const { emitWarning } = process;
  // That this is new in Node is no news to whoever made a slip.
  process.emitWarning = () => undefined;
  try {
    return stripTypeScriptTypes(readFileSync(file, "utf8"), { sourceUrl: file });
  } catch (error) {
    return error instanceof Error ? String(error.stack) : "";
  } finally {
    process.emitWarning = emitWarning;
  }
}
