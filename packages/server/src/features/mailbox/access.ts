/** Who may read the mailbox: whoever sits at the machine itself, while it is no production system. */

import type { Context } from "../../core/context.ts";
import type { Access } from "../../platform/http/endpoint.ts";
import { NotFound } from "../../platform/http/errors.ts";

export const isThere = ({ config }: Context): boolean =>
  config.mode !== "production" && ["capture", "both"].includes(config.mail.backend);

/** Hidden from everybody else, and from pages of other sites that a browser on this machine has open. */
export async function mayRead(ctx: Context): Promise<void> {
  const { address, headers } = ctx.request;
  const isLocal = /^127\./.test(address) || address === "::1";
  const host = headers.get("host") ?? "";
  // A name of somebody else's that resolves to this machine is how a foreign page would get in (DNS rebinding).
  const isOurName = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(host);
  const site = headers.get("sec-fetch-site");
  const isForeign = site !== null && site !== "same-origin" && site !== "none";
  if (!isLocal || !isOurName || isForeign) throw new NotFound();
}

export const atThisMachine: Access<Context, undefined> = {
  check: async (ctx) => {
    await mayRead(ctx);
    return undefined;
  },
  needsToken: false,
  errors: [NotFound],
};
