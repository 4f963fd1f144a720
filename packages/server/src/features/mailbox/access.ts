/** Who may read the mailbox of a development system: whoever sits at the machine itself, or has the key to it. */

import { type Context, perSystem } from "../../core/context.ts";
import { macFor } from "../../core/keys/secrets.ts";
import { isSameSecret } from "../../platform/encoding.ts";
import type { Access } from "../../platform/http/endpoint.ts";
import { NotFound } from "../../platform/http/errors.ts";

export const isThere = ({ config }: Context): boolean =>
  config.mode !== "production" && ["capture", "both"].includes(config.mail.backend);

/** What a proxy or a tunnel adds: whoever sits at the machine comes without one. */
const forwarding = ["forwarded", "x-forwarded-for", "x-forwarded-host", "x-real-ip"];

const loopbackHost = /^(?:(?:[a-z\d-]+\.)*localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/i;

/** Why somebody does not come from the machine itself; undefined if they do. */
function findStrangeness({ config, request: { address, headers } }: Context): string | undefined {
  if (!/^127\./.test(address) && address !== "::1")
    return "the call comes from another machine or a container";
  const added = forwarding.find((name) => headers.has(name));
  if (added) return `a proxy passed the call on (${added})`;
  // A name of somebody else's that resolves to this machine is how a foreign page would get in (DNS rebinding).
  if (!loopbackHost.test(headers.get("host") ?? "")) return "the call names another host";
  // A proxy that adds nothing cannot be told from the machine itself, but for the address that people are given.
  if (!loopbackHost.test(new URL(config.publicUrl).host)) return "PUBLIC_URL is not on this machine";
  return isForeign(headers) ? "a page of another site asks for it" : undefined;
}

/** A link on a page of the front end at another port may lead here; nothing else from elsewhere gets in. */
function isForeign(headers: Headers): boolean {
  const site = headers.get("sec-fetch-site");
  if (site === null || site === "same-origin" || site === "none") return false;
  const isOpened =
    headers.get("sec-fetch-mode") === "navigate" && headers.get("sec-fetch-dest") === "document";
  return site !== "same-site" || !isOpened;
}

const cookie = "mailbox_key";

/** What a browser keeps instead of the key. */
const cookieValue = (ctx: Context, key: string) => macFor(ctx, "mailbox", key).toString("base64url");

/** Whether the call brings the key along: programs as a bearer token, browsers as the cookie of the form. */
function hasKey(ctx: Context): boolean {
  const { mailboxKey } = ctx.config.mail;
  if (!mailboxKey) return false;
  const { headers } = ctx.request;
  const bearer = /^bearer (\S+)$/i.exec(headers.get("authorization") ?? "")?.[1] ?? "";
  const kept = (headers.get("cookie") ?? "").split(/;\s*/).find((one) => one.startsWith(`${cookie}=`)) ?? "";
  return (
    isSameSecret(bearer, mailboxKey) ||
    isSameSecret(kept.slice(cookie.length + 1), cookieValue(ctx, mailboxKey))
  );
}

export const mayRead = (ctx: Context): boolean => hasKey(ctx) || findStrangeness(ctx) === undefined;

/** Lets a browser in from now on, if this is the key. */
export function useKey(ctx: Context, key: unknown): boolean {
  const { mailboxKey } = ctx.config.mail;
  if (!mailboxKey || typeof key !== "string" || !isSameSecret(key, mailboxKey)) return false;
  const secure = ctx.config.publicUrl.startsWith("https:") ? "; Secure" : "";
  ctx.request.answerHeaders.append(
    "Set-Cookie",
    `${cookie}=${cookieValue(ctx, mailboxKey)}; Path=/; HttpOnly; SameSite=Lax${secure}`,
  );
  return true;
}

/** Whoever may not read it is told that there is nothing, or, where there is a key, asked for it. */
export async function mayKnock(ctx: Context): Promise<void> {
  if (mayRead(ctx) || (ctx.config.mail.mailboxKey && !isForeign(ctx.request.headers))) return;
  refuse(ctx);
}

const toldReasons = perSystem(() => new Set<string>());

/** The operator learns why, once for each reason, since what is to be mended stands between them and the mailbox. */
function refuse(ctx: Context): never {
  const reason = findStrangeness(ctx) ?? "the call brings no key";
  if (!toldReasons(ctx).has(reason)) {
    toldReasons(ctx).add(reason);
    ctx.log("warn", `the mailbox was asked for and not shown: ${reason}`, {
      fix: "open it on this machine, or set MAILBOX_KEY to a text of 16 characters or more and give it when asked",
    });
  }
  throw new NotFound();
}

export const byReaders: Access<Context, undefined> = {
  check: async (ctx) => {
    if (!mayRead(ctx)) refuse(ctx);
    return undefined;
  },
  needsToken: false,
  errors: [NotFound],
};
