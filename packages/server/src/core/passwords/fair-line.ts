/** A waiting line in which sources take turns, so that nobody stands behind all that one source sent. */

/** Where something comes from, the widest part first: parts take turns, and within each its own parts. */
export type Source = readonly string[];

export interface Waiting<T> {
  readonly source: Source;
  readonly item: T;
}

export interface FairLine<T> {
  /** Lets something wait, behind what came from the same source. */
  add(source: Source, item: T): void;
  /** Takes out whose turn it is; undefined when nothing waits. */
  takeNext(): Waiting<T> | undefined;
  /** Takes out what came last from whoever has most waiting; of equals, from whose turn is last. */
  takeLastOfMost(): Waiting<T> | undefined;
  readonly length: number;
}

/** All that waits from one source and its parts. The part whose turn is next stands first. */
interface Branch<T> {
  length: number;
  readonly parts: Map<string | typeof itself, Branch<T>>;
  /** Only a branch without parts has any. */
  readonly items: Waiting<T>[];
}

/** The part of a source that has no name of its own: what comes from the source as a whole. */
const itself = Symbol("itself");

const createBranch = <T>(): Branch<T> => ({ length: 0, parts: new Map(), items: [] });

/** A line without a bound: whoever fills it takes out what is too much. */
export function createFairLine<T>(): FairLine<T> {
  const root = createBranch<T>();
  return {
    add(source, item) {
      let branch = root;
      branch.length += 1;
      for (const name of [...source, itself] as const) {
        const part = branch.parts.get(name) ?? createBranch<T>();
        branch.parts.set(name, part);
        part.length += 1;
        branch = part;
      }
      branch.items.push({ source, item });
    },
    takeNext() {
      const path = choosePath(root, firstPart);
      for (const { parts, name, part } of path) {
        // It goes behind the others: its turn is over.
        parts.delete(name);
        if (part.length > 1) parts.set(name, part);
      }
      return takeFrom(root, path)?.items.shift();
    },
    takeLastOfMost() {
      const path = choosePath(root, longestPart);
      for (const { parts, name, part } of path) if (part.length === 1) parts.delete(name);
      return takeFrom(root, path)?.items.pop();
    },
    get length() {
      return root.length;
    },
  };
}

type Parts<T> = Branch<T>["parts"];

interface Step<T> {
  readonly parts: Parts<T>;
  readonly name: string | typeof itself;
  readonly part: Branch<T>;
}

/** The way down to where one item waits. */
function choosePath<T>(root: Branch<T>, choose: (parts: Parts<T>) => Step<T> | undefined): Step<T>[] {
  const path: Step<T>[] = [];
  for (let step = choose(root.parts); step; step = choose(step.part.parts)) path.push(step);
  return path;
}

function firstPart<T>(parts: Parts<T>): Step<T> | undefined {
  for (const [name, part] of parts) return { parts, name, part };
  return undefined;
}

function longestPart<T>(parts: Parts<T>): Step<T> | undefined {
  let longest: Step<T> | undefined;
  for (const [name, part] of parts) {
    if (part.length >= (longest?.part.length ?? 0)) longest = { parts, name, part };
  }
  return longest;
}

/** Counts one less on the way; gives its end. */
function takeFrom<T>(root: Branch<T>, path: readonly Step<T>[]): Branch<T> | undefined {
  if (path.length === 0) return undefined;
  root.length -= 1;
  for (const { part } of path) part.length -= 1;
  return path.at(-1)?.part;
}
