/** JSON read without loss: a whole number that JavaScript would round keeps every digit, and is written as it came. */

/** As JSON.parse, and throws as it does; a number too big to be exact comes as one that JSON.stringify writes back. */
export function parseJson(text: string): unknown {
  if (!/\d{16}/.test(text)) return JSON.parse(text);
  return exact.parse(text, (_key, value, { source = "" }) =>
    Number.isInteger(value) && !Number.isSafeInteger(value) && /^-?\d+$/.test(source)
      ? exact.rawJSON(source)
      : value,
  );
}

/** Whether this is such a number. */
export const isExactNumber = (value: unknown): boolean => exact.isRawJSON(value);

type Reviver = (key: string, value: unknown, context: { readonly source?: string }) => unknown;

/** What ECMAScript's "JSON.parse source text access" adds, which the types do not know yet. */
const exact = JSON as unknown as {
  readonly parse: (text: string, reviver: Reviver) => unknown;
  readonly rawJSON: (text: string) => unknown;
  readonly isRawJSON: (value: unknown) => boolean;
};
