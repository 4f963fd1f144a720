/** What sends a written mail, and the two ways in which that can fail. */

import type { Message } from "../message.ts";

export interface Sent {
  /** What the mail server said when it took the mail over. */
  readonly reply: string;
}

export interface Transport {
  readonly name: string;
  /** Hands the mail over; `mail` is its template's name. Throws MailRefused or MailUnreachable. */
  readonly send: (message: Message, mail: string) => Promise<Sent>;
  /** Whether the mail server can be reached and lets us in. Throws as `send` does. */
  readonly verify: () => Promise<void>;
  readonly close: () => void;
}

/** The mail server said no: for now, or for good. */
export class MailRefused extends Error {
  override readonly name = "MailRefused";
  readonly permanent: boolean;

  constructor(reply: string, permanent: boolean) {
    super(reply);
    this.permanent = permanent;
  }
}

/** There was no mail server to say anything, or it stopped in the middle. */
export class MailUnreachable extends Error {
  override readonly name = "MailUnreachable";
}
