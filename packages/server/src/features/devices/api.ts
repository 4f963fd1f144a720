import { signedIn } from "../../core/access/access.ts";
import { endpoint } from "../../core/feature.ts";
import { readsByCaller } from "../../core/limits/limits.ts";
import type { Session } from "../../core/sessions/sessions.ts";
import { describeDevice } from "../../core/sign-in/user-agent.ts";
import { detailReply } from "../../platform/http/endpoint.ts";
import { FieldsInvalid, NotFound } from "../../platform/http/errors.ts";
import type { JsonSchema } from "../../platform/http/fields.ts";
import type { Language } from "../../platform/texts.ts";
import { endDevice, listDevices } from "./flow.ts";
import { mostOfPage, nextPage, pageParameters, readPage } from "./pages.ts";
import { sentences } from "./texts.ts";

const time = { type: "string", format: "date-time" };

const deviceSchema: JsonSchema = {
  type: "object",
  properties: {
    id: { type: "string", format: "uuid", description: "Names the session; it lets nobody in." },
    device: { type: "string", description: "The browser and system that it claims to be." },
    user_agent: { type: "string" },
    address: { type: "string", description: "Where it was used from last." },
    created_at: time,
    last_used_at: { ...time, description: "When its refresh token was last used." },
    expires_at: { ...time, description: "When it ends, unless it is used before." },
    current: { type: "boolean", description: "Whether it is the one that asks." },
  },
  required: [
    ...["id", "device", "user_agent", "address", "created_at", "last_used_at", "expires_at", "current"],
  ],
};

export const list = endpoint({
  method: "get",
  path: "/api/auth/sessions/",
  summary: "List where you are signed in",
  description:
    `The one used last first, ${mostOfPage} at the most; where there are more, the answer's Link header leads to the ` +
    'next page (RFC 8288, rel="next"). Those that are over are not listed.',
  access: signedIn,
  limit: [readsByCaller],
  query: pageParameters,
  reply: { type: "array", items: deviceSchema },
  errors: [FieldsInvalid],
  handle: async (ctx, { caller, query }) => {
    const page = readPage(query);
    const found = await listDevices(ctx, caller, { ...page, limit: page.limit + 1 });
    const sessions = found.slice(0, page.limit);
    const last = sessions.at(-1);
    if (last && found.length > sessions.length) ctx.request.answerHeaders.set("Link", nextPage(page, last));
    return sessions.map((session) => presentDevice(session, caller.sessionId, ctx.request.language));
  },
});

export const end = endpoint({
  method: "delete",
  path: "/api/auth/sessions/:id/",
  summary: "Sign one place out",
  access: signedIn,
  limit: [readsByCaller],
  reply: detailReply,
  errors: [NotFound],
  handle: async (ctx, { caller, params }) => {
    await endDevice(ctx, caller, params.id ?? "");
    return { detail: sentences.signedOut[ctx.request.language] };
  },
});

function presentDevice(session: Session, currentId: string | undefined, language: Language) {
  return {
    id: session.id,
    device: describeDevice(session.userAgent, language),
    user_agent: session.userAgent,
    address: session.address,
    created_at: session.createdAt.toISOString(),
    last_used_at: session.lastUsedAt.toISOString(),
    expires_at: session.idleExpiresAt.toISOString(),
    current: session.id === currentId,
  };
}
