/** What went wrong on a page as a whole, read out and shown first. */

import { type Html, html } from "../../platform/http/html.ts";

/** It has the focus, so that nobody looks for it (WCAG 2.2, 4.1.3). */
export function problem(text: string): Html {
  return html`<p class="error" role="alert" tabindex="-1" autofocus>${text}</p>`;
}
