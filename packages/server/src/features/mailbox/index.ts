/** Read the mail of a development system, where there is no mail server. */

import type { Feature } from "../../core/feature.ts";
import { clear, list } from "./api.ts";
import { mailboxPage, mailHtmlPage, mailPage } from "./pages.ts";

export const mailbox = {
  name: "mailbox",
  endpoints: [list, clear],
  pages: [mailboxPage, mailPage, mailHtmlPage],
} as const satisfies Feature;
