/** A field of a form on a page of ours, and what is wrong with it. */

import { type Html, html } from "../../platform/http/html.ts";
import type { Sentence } from "../../platform/texts.ts";
import type { Context } from "../context.ts";

export interface PageField {
  readonly name: string;
  readonly label: Sentence;
  readonly type: "email" | "password";
  readonly autocomplete: "email" | "new-password";
  readonly value?: string;
  /** The id of what explains it. */
  readonly explainedBy?: string;
}

/** Sentences by the name of their field. */
export type PageErrors = Readonly<Record<string, readonly Sentence[]>>;

/** The fields of a form, one below the other; the first that is wrong has the focus (WCAG 2.2, 3.3.1). */
export function showFields(ctx: Context, fields: readonly PageField[], errors: PageErrors): Html[] {
  const firstWrong = fields.find(({ name }) => errors[name]?.length);
  return fields.map((field) => showField(ctx, field, errors[field.name] ?? [], field === firstWrong));
}

function showField(ctx: Context, field: PageField, wrong: readonly Sentence[], isFirstWrong: boolean): Html {
  const { language } = ctx.request;
  const { name, label, type, autocomplete, value, explainedBy } = field;
  const describedBy = wrong.length > 0 ? `${name}-errors` : explainedBy;
  return html`<label for="${name}">${label[language]}</label>
<input id="${name}" name="${name}" type="${type}" autocomplete="${autocomplete}" required${
    value !== undefined && html` value="${value}"`
  }${wrong.length > 0 && html` aria-invalid="true"`}${
    describedBy !== undefined && html` aria-describedby="${describedBy}"`
  }${isFirstWrong && html` autofocus`}>
${
  wrong.length > 0 &&
  html`<div id="${name}-errors" role="alert">${wrong.map((one) => html`<p class="error">${one[language]}</p>`)}</div>`
}`;
}
