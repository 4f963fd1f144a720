/** The page that a mailed link opens, with a form for the new password. */

import type { Context } from "../../core/context.ts";
import { perAddress } from "../../core/limits/limits.ts";
import { layout } from "../../core/pages/layout.ts";
import { findMismatch } from "../../core/passwords/passwords.ts";
import { passwordMaxLength } from "../../core/passwords/policy.ts";
import { hours } from "../../platform/duration.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { password } from "../../platform/http/fields.ts";
import { form, readForm } from "../../platform/http/form.ts";
import { type Document, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import type { Sentence } from "../../platform/texts.ts";
import { ResetLinkInvalid } from "./errors.ts";
import { completePasswordReset, findPasswordLink } from "./flow.ts";
import { goodLinks } from "./good-links.ts";
import { sentences } from "./texts.ts";

const passwordForm = form<
  Context,
  { password: ReturnType<typeof password>; again: ReturnType<typeof password> }
>(
  { password: password(passwordMaxLength), again: password(passwordMaxLength) },
  { cross: (_ctx, body) => findMismatch("again", body.password, body.again) },
);

export const choosePassword: Page<Context> = {
  path: "/reset-password/:token/",
  access: async () => undefined,
  limit: [
    perAddress("reset-page", { most: 60, within: hours(1) }, { ...goodLinks, most: 20, within: hours(1) }),
  ],
  show: async (ctx, { params }) =>
    (await findPasswordLink(ctx, params.token ?? "")) ? showForm(ctx, {}) : showDeadLink(ctx, 404),
  submit: async (ctx, { params, form }) => {
    const say = (key: keyof typeof sentences) => sentences[key][ctx.request.language];
    try {
      const body = await readForm(ctx, passwordForm, { kind: "dict", data: form }, undefined);
      await completePasswordReset(ctx, params.token ?? "", body.password, "password");
      return layout(ctx, { title: say("doneTitle"), body: html`<p>${say("doneText")}</p>` });
    } catch (error) {
      if (error instanceof FieldsInvalid) return showForm(ctx, error.fieldErrors);
      if (!(error instanceof ResetLinkInvalid)) throw error;
      return showDeadLink(ctx, 400);
    }
  },
};

function showDeadLink(ctx: Context, status: number): Document {
  const { failedTitle, failedText } = sentences;
  const { language } = ctx.request;
  return layout(ctx, { title: failedTitle[language], body: html`<p>${failedText[language]}</p>`, status });
}

function showForm(ctx: Context, errors: Readonly<Record<string, readonly Sentence[]>>): Document {
  const { language } = ctx.request;
  const rules = sentences.rules[language].replace("{count}", String(ctx.config.passwords.minLength));
  const field = (name: string, label: Sentence) => {
    const wrong = errors[name] ?? [];
    const state =
      wrong.length > 0
        ? html` aria-invalid="true" aria-describedby="${name}-errors"`
        : html` aria-describedby="rules"`;
    return html`<label for="${name}">${label[language]}</label>
<input id="${name}" name="${name}" type="password" autocomplete="new-password" required${state}>
${
  wrong.length > 0 &&
  html`<div id="${name}-errors" role="alert">${wrong.map((one) => html`<p class="error">${one[language]}</p>`)}</div>`
}`;
  };
  return layout(ctx, {
    title: sentences.pageTitle[language],
    status: Object.keys(errors).length > 0 ? 400 : 200,
    body: html`<p class="soft" id="rules">${rules}</p>
<form method="post">
${field("password", sentences.newPassword)}
${field("again", sentences.again)}
<button>${sentences.save[language]}</button>
</form>`,
  });
}
