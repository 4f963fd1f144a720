/** Answers a page: shows it, or does what its form asks for when the form is one of ours. */

import { readBody } from "./body.ts";
import { type CrossOrigin, isFromOwnPage } from "./cross-origin.ts";
import type { RequestContext } from "./endpoint.ts";
import { defineError } from "./errors.ts";
import type { Document } from "./html.ts";
import type { Page } from "./page.ts";
import { inputSentences } from "./sentences.ts";

class ForeignForm extends defineError(403, "foreign_form", inputSentences.forbiddenOrigin) {}

export async function openPage<Ctx extends RequestContext>(
  { crossOrigin }: { readonly crossOrigin: CrossOrigin },
  page: Page<Ctx>,
  ctx: Ctx,
  request: Request,
  params: Readonly<Record<string, string>>,
): Promise<Response> {
  await page.access(ctx);
  for (const limit of page.limit) await limit.take(ctx, { caller: undefined, body: params });
  const call = { params, query: new URL(request.url).searchParams };
  if (request.method !== "POST" || !page.submit) return htmlAnswer(await page.show(ctx, call));
  // Cross-site request forgery: a form on a page of somebody else's.
  if (!isFromOwnPage(request.headers, crossOrigin.own)) throw new ForeignForm();
  const body = await readBody(request);
  const form = body.kind === "dict" ? body.data : {};
  for (const limit of page.submitLimit ?? []) await limit.take(ctx, { caller: undefined, body: form });
  return htmlAnswer(await page.submit(ctx, { ...call, form }));
}

export function htmlAnswer(page: Document, headers: Readonly<Record<string, string>> = {}): Response {
  return new Response(page.text, {
    status: page.status,
    headers: {
      ...headers,
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": page.contentSecurityPolicy,
      "Cross-Origin-Opener-Policy": "same-origin",
      "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    },
  });
}
