/** Refuses values that a driver would store as something else, before either driver sees them. */

/** The kinds of value both databases store alike; JSON is passed as text, a time as milliseconds. */
export type Parameter = string | number | bigint | null | Uint8Array;

/**
 * Throws a TypeError that names the position and the kind of the value, never the value.
 *
 * Left alone, `node:sqlite` stores NULL for a Date or NaN and 1 for true; `pg` stores NULL for undefined and
 * texts of its own making for dates and objects.
 */
export function checkParameters(parameters: readonly unknown[]): asserts parameters is readonly Parameter[] {
  for (const [index, value] of parameters.entries()) {
    const problem = findProblem(value);
    if (problem) throw new TypeError(`Parameter ${index + 1} of a statement ${problem}.`);
  }
}

function findProblem(value: unknown): string | undefined {
  switch (typeof value) {
    case "string":
      // PostgreSQL cannot store it, and SQLite's own functions stop reading there.
      return value.includes("\0") ? "is a text with a NUL character" : undefined;
    case "number":
      if (Number.isSafeInteger(value)) return undefined;
      if (!Number.isFinite(value)) return "is a number that is not finite";
      return Number.isInteger(value) ? "is a number too large to be exact" : undefined;
    case "bigint":
      return BigInt.asIntN(64, value) === value ? undefined : "is an integer of more than 64 bits";
    case "object":
      if (value === null || value instanceof Uint8Array) return undefined;
      if (value instanceof Date) return "is a Date; pass its milliseconds";
      return "is an object; pass JSON as text";
    case "boolean":
      return "is a boolean; columns hold a nullable time instead";
    default:
      return `is of type ${typeof value}`;
  }
}
