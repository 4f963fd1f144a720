/** Where a page leads once all is done on it: no page is a dead end. */

import { type Html, html } from "../../platform/http/html.ts";
import type { Context } from "../context.ts";
import { hrefTo } from "./href.ts";
import { sentences } from "./texts.ts";

/** To your front end, where there is one; else to what helps whoever builds it; else what to do, in words. */
export function nextStep(ctx: Context): Html {
  const { frontendUrl, appName, mode } = ctx.config;
  const say = (key: keyof typeof sentences) => sentences[key][ctx.request.language];
  if (frontendUrl !== undefined) {
    const label = say("openApp").replace("{app}", () => appName);
    return html`<p><a class="button" href="${frontendUrl}">${label}</a></p>`;
  }
  if (mode === "production") return html`<p>${say("goOn")}</p>`;
  return html`<p>${say("signInByApi")} <a href="${hrefTo(ctx, "/_/docs/")}">${say("reference")}</a></p>`;
}
