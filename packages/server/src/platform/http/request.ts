/** What is known of a request before anything is done for it. */

import type { Language } from "../texts.ts";

export interface RequestInfo {
  /** Names this request in the answer, the log and the audit trail. */
  readonly id: string;
  readonly method: string;
  readonly path: string;
  /** The address of who is calling: the socket's, or what a trusted proxy says. */
  readonly address: string;
  readonly userAgent: string;
  readonly language: Language;
  readonly headers: Headers;
  /** Whether a page sent it that is neither ours nor allowed to call us: its visitor may know nothing of it. */
  readonly isForeign: boolean;
  /** Headers to add to the answer, refusals included. */
  readonly answerHeaders: Headers;
}
