/** The pages that lead to a new password: where a link is asked for, where it is used. */

import type { Context } from "../../core/context.ts";
import { perAddress } from "../../core/limits/limits.ts";
import { secondsUntil } from "../../core/mail/pace.ts";
import { emailPage } from "../../core/pages/email-page.ts";
import { type PageErrors, showFields } from "../../core/pages/field.ts";
import { hrefTo } from "../../core/pages/href.ts";
import { layout } from "../../core/pages/layout.ts";
import { nextStep } from "../../core/pages/next-step.ts";
import { problem } from "../../core/pages/problem.ts";
import { findMismatch } from "../../core/passwords/passwords.ts";
import { passwordMaxLength } from "../../core/passwords/policy.ts";
import { hours } from "../../platform/duration.ts";
import { FieldsInvalid } from "../../platform/http/errors.ts";
import { password } from "../../platform/http/fields.ts";
import { form, readForm } from "../../platform/http/form.ts";
import { type Document, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import { requestLimit } from "./api.ts";
import { ResetLinkInvalid } from "./errors.ts";
import { completePasswordReset, findPasswordLink, requestByCaller } from "./flow.ts";
import { goodLinks } from "./good-links.ts";
import { sentences, tooEarly } from "./texts.ts";

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
      return layout(ctx, {
        title: say("doneTitle"),
        body: html`<p>${say("doneText")}</p>${nextStep(ctx)}`,
      });
    } catch (error) {
      if (error instanceof FieldsInvalid) return showForm(ctx, error.fieldErrors);
      if (!(error instanceof ResetLinkInvalid)) throw error;
      return showDeadLink(ctx, 400);
    }
  },
};

export const forgotPassword = emailPage({
  path: "/forgot-password/",
  title: sentences.askTitle,
  text: sentences.askText,
  button: sentences.send,
  submitLimit: [requestLimit],
  ask: async (ctx, email) => {
    const asked = await requestByCaller(ctx, email);
    return { ...asked, said: asked.isEarly ? tooEarly(secondsUntil(ctx, asked)) : sentences.requested };
  },
});

function showDeadLink(ctx: Context, status: 400 | 404): Document {
  const { failedTitle, failedText, another } = sentences;
  const { language } = ctx.request;
  const text = failedText[language];
  const isError = status === 400;
  return layout(ctx, {
    title: failedTitle[language],
    isError,
    status,
    body: html`${isError ? problem(text) : html`<p>${text}</p>`}
<p><a class="button" href="${hrefTo(ctx, "/forgot-password/")}">${another[language]}</a></p>`,
  });
}

function showForm(ctx: Context, errors: PageErrors): Document {
  const { language } = ctx.request;
  const rules = sentences.rules[language].replace("{count}", String(ctx.config.passwords.minLength));
  const field = { type: "password", autocomplete: "new-password", explainedBy: "rules" } as const;
  const fields = [
    { ...field, name: "password", label: sentences.newPassword },
    { ...field, name: "again", label: sentences.again },
  ];
  const isError = Object.keys(errors).length > 0;
  return layout(ctx, {
    title: sentences.pageTitle[language],
    isError,
    status: isError ? 400 : 200,
    body: html`<p class="soft" id="rules">${rules}</p>
<form method="post">
${showFields(ctx, fields, errors)}
<button>${sentences.save[language]}</button>
</form>`,
  });
}
