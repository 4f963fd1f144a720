/** The page that a mailed link opens: opening it changes nothing, its button does. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { hrefTo } from "../../core/pages/href.ts";
import { layout } from "../../core/pages/layout.ts";
import { type Document, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { VerificationLinkInvalid } from "./errors.ts";
import { verifyEmail } from "./flow.ts";
import { sentences } from "./texts.ts";

export const verifyEmailPage: Page<Context> = {
  path: "/verify-email/:token/",
  access: async () => undefined,
  limit: [readsOnly],
  show: async (ctx) => {
    const say = (key: keyof typeof sentences) => sentences[key][ctx.request.language];
    return layout(ctx, {
      title: say("pageTitle"),
      body: html`<p>${say("pageText")}</p><form method="post"><button>${say("confirm")}</button></form>`,
    });
  },
  submit: async (ctx, { params }) => {
    const say = (key: keyof typeof sentences) => sentences[key][ctx.request.language];
    try {
      const { firstPassword } = await verifyEmail(ctx, params.token ?? "");
      if (firstPassword) return askForPassword(ctx, firstPassword);
      return layout(ctx, { title: say("doneTitle"), body: html`<p>${say("verified")}</p>` });
    } catch (error) {
      if (!(error instanceof VerificationLinkInvalid)) throw error;
      return layout(ctx, { title: say("failedTitle"), body: html`<p>${say("failedText")}</p>`, status: 400 });
    }
  },
};

/** The link has proved the mailbox and no password: the page goes on to where one is chosen. */
function askForPassword(ctx: Context, token: string): Document {
  const say = (key: keyof typeof sentences) => sentences[key][ctx.request.language];
  return layout(ctx, {
    title: say("doneTitle"),
    body: html`<p>${say("choosePassword")}</p>
<p><a class="button" href="${hrefTo(ctx, `/reset-password/${token}/`)}">${say("choose")}</a></p>`,
  });
}
