/** What the worker asks of whatever carries mail away, and the two ways in which that can fail. */

import type { Message } from "../message.ts";

export interface Sent {
  /** What the mail server said when it took the mail, for the log and the outbox. */
  readonly reply: string;
}

export interface Transport {
  readonly name: string;
  /** Hands the mail over; `mail` is its template's name. Throws `MailRefused` or `MailUnreachable`. */
  send(message: Message, mail?: string): Promise<Sent>;
  /** Connects and signs in without sending anything. Throws as `send` does. */
  verify(): Promise<void>;
  close(): void;
}

export interface Refusal {
  /** Whether the same mail would be refused again: it is about this mail, and the server said 5xx. */
  readonly permanent: boolean;
  /** The server's words, without our password should they repeat it. */
  readonly reply: string;
}

/**
 * The mail server answered, and did not take the mail. That an address is dead (5.1.1) is not remembered: providers
 * said so of living ones in their own outages, whose owners could then not reset a password, and the budget of each
 * address bounds what is tried in vain.
 */
export class MailRefused extends Error implements Refusal {
  readonly permanent: boolean;
  readonly reply: string;

  constructor({ permanent, reply }: Refusal) {
    super(`Mail refused: ${reply}`);
    this.name = "MailRefused";
    this.permanent = permanent;
    this.reply = reply;
  }
}

/** No mail server answered, not to the end, or not over the encryption that is demanded. Worth another try. */
export class MailUnreachable extends Error {
  constructor(reason: string) {
    super(`Mail server unreachable: ${reason}`);
    this.name = "MailUnreachable";
  }
}
