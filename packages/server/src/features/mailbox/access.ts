/** Who may read the mailbox: whoever sits at the machine itself, while it is no production system. */

import type { Context } from "../../core/context.ts";
import type { Access } from "../../platform/http/endpoint.ts";
import { NotFound } from "../../platform/http/errors.ts";

export const isThere = ({ config }: Context): boolean =>
  config.mode !== "production" && ["capture", "both"].includes(config.mail.backend);

/** What a proxy or a tunnel adds: whoever sits at the machine comes without one. */
const forwarding = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

/** Hidden from everybody else, and from pages of other sites that a browser on this machine has open. */
export async function mayRead({ request: { address, headers } }: Context): Promise<void> {
  const isLocal = /^127\./.test(address) || address === "::1";
  const isDirect = !forwarding.some((name) => headers.has(name));
  // A name of somebody else's that resolves to this machine is how a foreign page would get in (DNS rebinding).
  const isOurName = /^(?:(?:[a-z\d-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i.test(
    headers.get("host") ?? "",
  );
  if (!isLocal || !isDirect || !isOurName || isForeign(headers)) throw new NotFound();
}

/** A link on a page of the front end at another port may lead here; nothing else from elsewhere gets in. */
function isForeign(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return false;
  const isOpened =
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
  return site !== "same-site" || !isOpened;
}

export const atThisMachine: Access<Context, undefined> = {
  check: async (ctx) => {
    await mayRead(ctx);
    return undefined;
  },
  needsToken: false,
  errors: [NotFound],
};
