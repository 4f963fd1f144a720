/** What went wrong on a page as a whole, read out and shown first. */

import type { ApiError } from "../../platform/http/errors.ts";
import { type Document, type Html, html } from "../../platform/http/html.ts";
import type { Context } from "../context.ts";
import { layout } from "./layout.ts";
import { sentences, tryAgainIn } from "./texts.ts";

/** It has the focus, so that nobody looks for it (WCAG 2.2, 4.1.3). */
export function problem(text: string): Html {
  return html`<p class="error" role="alert" tabindex="-1" autofocus>${text}</p>`;
}

/** A refusal before the page was reached, such as too many calls, for people: with the way back to the page. */
export function showRefusal(ctx: Context, error: ApiError): Document {
  const { language } = ctx.request;
  const wait = Number(error.headers["Retry-After"]);
  const isTooOften = error.status === 429 && wait > 0;
  return layout(ctx, {
    title: (isTooOften ? sentences.tooOften : sentences.notDone)[language],
    isError: true,
    status: error.status,
    body: html`${problem((isTooOften ? tryAgainIn(wait) : error.sentence)[language])}
<p><a class="button" href="">${sentences.tryAgain[language]}</a></p>`,
  });
}
