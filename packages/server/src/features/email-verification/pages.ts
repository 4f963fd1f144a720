/** The pages that verify an address: opening a mailed link changes nothing, its button does; a dead one leads to another. */

import type { Context } from "../../core/context.ts";
import { readsOnly } from "../../core/limits/limits.ts";
import { secondsUntil } from "../../core/mail/pace.ts";
import { emailPage, showEmailForm } from "../../core/pages/email-page.ts";
import { hrefTo } from "../../core/pages/href.ts";
import { layout } from "../../core/pages/layout.ts";
import { nextStep } from "../../core/pages/next-step.ts";
import { problem } from "../../core/pages/problem.ts";
import { type Document, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { resendLimit } from "./api.ts";
import { VerificationLinkInvalid } from "./errors.ts";
import { lookAtLink, resendToCaller, type Verified, verifyEmail } from "./flow.ts";
import { sentences, tooEarly } from "./texts.ts";

type Say = (key: keyof typeof sentences) => string;

const sayIn =
  (ctx: Context): Say =>
  (key) =>
    sentences[key][ctx.request.language];

const asking = { path: "/verify-email/", button: sentences.send } as const;

export const verifyEmailPage: Page<Context> = {
  path: "/verify-email/:token/",
  access: async () => undefined,
  limit: [readsOnly],
  show: async (ctx, { params }) => {
    const say = sayIn(ctx);
    const state = await lookAtLink(ctx, params.token ?? "");
    if (state === "dead") return showDeadLink(ctx, { isPressed: false });
    if (state !== "alive") return showConfirmed(ctx, state, { isNews: false });
    return layout(ctx, {
      title: say("pageTitle"),
      body: html`<p>${say("pageText")}</p><form method="post"><button>${say("verify")}</button></form>`,
    });
  },
  submit: async (ctx, { params }) => {
    try {
      return showConfirmed(ctx, await verifyEmail(ctx, params.token ?? ""), { isNews: true });
    } catch (error) {
      if (!(error instanceof VerificationLinkInvalid)) throw error;
      return showDeadLink(ctx, { isPressed: true });
    }
  },
};

export const resendPage = emailPage({
  ...asking,
  title: sentences.askTitle,
  text: sentences.askText,
  submitLimit: [resendLimit],
  ask: async (ctx, email) => {
    const asked = await resendToCaller(ctx, email);
    return { ...asked, said: asked.isEarly ? tooEarly(secondsUntil(ctx, asked)) : sentences.resent };
  },
});

/** Alike for a link that nobody was ever sent, so that it tells nothing to who made it up. */
function showDeadLink(ctx: Context, { isPressed }: { readonly isPressed: boolean }): Document {
  const say = sayIn(ctx);
  const text = say("failedText");
  return layout(ctx, {
    title: say("failedTitle"),
    isError: isPressed,
    status: isPressed ? 400 : 404,
    body: html`${isPressed ? problem(text) : html`<p>${text}</p>`}
${showEmailForm(ctx, asking)}`,
  });
}

/** The link has proved the mailbox. Where that proved no password, the way goes on to where one is chosen. */
function showConfirmed(
  ctx: Context,
  { hasPassword, firstPassword }: Verified,
  { isNews }: { readonly isNews: boolean },
): Document {
  const say = sayIn(ctx);
  const title = say(isNews ? "doneTitle" : "alreadyTitle");
  if (hasPassword) {
    const text = say(isNews ? "verified" : "alreadyText");
    return layout(ctx, { title, body: html`<p>${text}</p>${nextStep(ctx)}` });
  }
  if (firstPassword === undefined) {
    const link = html`<a class="button" href="${hrefTo(ctx, "/forgot-password/")}">${say("passwordAgain")}</a>`;
    return layout(ctx, { title, body: html`<p>${say("passwordByMail")}</p><p>${link}</p>` });
  }
  return layout(ctx, {
    title,
    body: html`<p>${say("choosePassword")}</p>
<p><a class="button" href="${hrefTo(ctx, `/reset-password/${firstPassword}/`)}">${say("choose")}</a></p>`,
  });
}
