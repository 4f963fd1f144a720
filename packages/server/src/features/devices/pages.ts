/** A long list in pages: what a call asks for, and where the next page is. */

import type { Session, SessionsPage } from "../../core/sessions/sessions.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import type { JsonSchema } from "../../platform/http/fields.ts";
import { sentences } from "./texts.ts";

/** As many as an account has places by default, so that hardly anybody needs a second page. */
export const mostOfPage = 100;

export const pageParameters: Readonly<Record<string, JsonSchema>> = {
  limit: { type: "integer", minimum: 1, maximum: mostOfPage, default: mostOfPage },
  cursor: {
    type: "string",
    description: "Where the page begins: as the Link header of the one before says.",
  },
};

/** What the query asks for. Throws FieldsInvalid. */
export function readPage(query: URLSearchParams): SessionsPage {
  const limitText = query.get("limit") ?? String(mostOfPage);
  const limit = /^\d{1,3}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > mostOfPage) throw new FieldsInvalid({ limit: [sentences.limitInvalid] });
  const cursor = query.get("cursor");
  if (cursor === null) return { limit };
  const [, time, id] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(cursor) ?? [];
  if (time === undefined || id === undefined) throw new FieldsInvalid({ cursor: [sentences.cursorInvalid] });
  return { limit, after: { lastUsedAt: new Date(Number(time)), id } };
}

/** Relative to the call's own address, so that it holds under whatever name and path that was reached. */
export function nextPage(
  { limit }: SessionsPage,
  { lastUsedAt, id }: Pick<Session, "lastUsedAt" | "id">,
): string {
  const size = limit === mostOfPage ? "" : `limit=${limit}&`;
  return `<?${size}cursor=${lastUsedAt.getTime()}.${id}>; rel="next"`;
}
