/** Every call that the API documents, for tests that go through all of them. */

import type { TestAuth } from "./test-auth.ts";

export interface Operation {
  readonly method: string;
  /** With a name in braces for each part that varies, never an empty one: that is another path. */
  readonly path: string;
  /** Of its body. */
  readonly fields: readonly string[];
  readonly statuses: readonly number[];
}

interface Described {
  readonly requestBody?: {
    readonly content: Record<string, { readonly schema: { readonly properties: Record<string, object> } }>;
  };
  readonly responses: Record<string, object>;
}

export async function listOperations(t: TestAuth): Promise<Operation[]> {
  const { body } = await t.http.get("/api/schema/");
  const paths = body.paths as Record<string, Record<string, Described>>;
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { requestBody, responses }]) => ({
      method: method.toUpperCase(),
      path,
      fields: Object.keys(requestBody?.content["application/json"]?.schema.properties ?? {}),
      statuses: Object.keys(responses).map(Number),
    })),
  );
}

/** The path with this in every part that varies. */
export const pathOf = ({ path }: Operation, part: string) =>
  path.replace(/\{\w+\}/g, encodeURIComponent(part.toWellFormed()) || "-");
