/** A page that mails something to whatever address is typed, and never tells whether anybody has it. */

import { FieldsInvalid } from "../../platform/http/errors.ts";
import { email } from "../../platform/http/fields.ts";
import { form, readForm } from "../../platform/http/form.ts";
import { type Document, type Html, html } from "../../platform/http/html.ts";
import type { Page } from "../../platform/http/page.ts";
import type { Sentence } from "../../platform/texts.ts";
import type { Context } from "../context.ts";
import { readsOnly } from "../limits/limits.ts";
import type { Asked } from "../mail/pace.ts";
import { type PageErrors, showFields } from "./field.ts";
import { hrefTo } from "./href.ts";
import { layout } from "./layout.ts";
import { sentences } from "./texts.ts";

export interface EmailPageParts {
  readonly path: `/${string}`;
  readonly title: Sentence;
  readonly text: Sentence;
  readonly button: Sentence;
  /** The limits of the call that does the same. */
  readonly submitLimit: NonNullable<Page<Context>["submitLimit"]>;
  /** Asks for the mail, and says what came of it: for every address alike. */
  readonly ask: (ctx: Context, email: string) => Promise<Asked & { readonly said: Sentence }>;
}

const emailForm = form<Context, { email: ReturnType<typeof email> }>({ email: email() });

export function emailPage(parts: EmailPageParts): Page<Context> {
  const { path, title, text, submitLimit, ask } = parts;
  return {
    path,
    access: async () => undefined,
    limit: [readsOnly],
    submitLimit,
    show: async (ctx) => showForm(ctx, {}),
    submit: async (ctx, call) => {
      try {
        const body = await readForm(ctx, emailForm, { kind: "dict", data: call.form }, undefined);
        const { said, isEarly } = await ask(ctx, body.email);
        return showOutcome(ctx, body.email, said, isEarly);
      } catch (error) {
        if (!(error instanceof FieldsInvalid)) throw error;
        return showForm(ctx, error.fieldErrors, call.form.email);
      }
    },
  };

  function showForm(ctx: Context, errors: PageErrors, typed?: unknown): Document {
    const { language } = ctx.request;
    const isError = Object.keys(errors).length > 0;
    return layout(ctx, {
      title: title[language],
      isError,
      status: isError ? 400 : 200,
      body: html`<p>${text[language]}</p>${showEmailForm(ctx, parts, errors, typed)}`,
    });
  }

  function showOutcome(ctx: Context, to: string, said: Sentence, isEarly: boolean): Document {
    const { language } = ctx.request;
    return layout(ctx, {
      title: (isEarly ? sentences.notYet : sentences.checkMail)[language],
      body: html`<p role="status">${said[language]}</p>
${showEmailForm(ctx, { path, button: sentences.sendAgain }, {}, to)}`,
    });
  }
}

/** The form of such a page, on it or on another that leads there. */
export function showEmailForm(
  ctx: Context,
  { path, button }: Pick<EmailPageParts, "path" | "button">,
  errors: PageErrors = {},
  typed?: unknown,
): Html {
  const { email: label } = sentences;
  const value = typeof typed === "string" ? { value: typed } : {};
  const field = { name: "email", label, type: "email", autocomplete: "email", ...value } as const;
  return html`<form method="post" action="${hrefTo(ctx, path)}">
${showFields(ctx, [field], errors)}
<button>${button[ctx.request.language]}</button>
</form>`;
}
