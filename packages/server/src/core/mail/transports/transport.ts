/** What the worker asks of whatever carries mail away, and the two ways in which that can fail. */

import type { Message } from "../message.ts";

export interface Sent {
  /** What the mail server said when it took the mail, for the log and the outbox. */
  readonly reply: string;
}

export interface Transport {
  readonly name: string;
  /**
   * Hands the mail over; `mail` is its template's name. Throws `MailRefused` or `MailUnreachable`; once the signal is
   * aborted, `MailUnreachable` at once, whatever the server does.
   */
  send(message: Message, mail?: string, signal?: AbortSignal): Promise<Sent>;
  /** Connects and signs in without sending anything. Throws as `send` does. */
  verify(): Promise<void>;
  close(): void;
}

/** What a failure is about: the mail server or our settings, where no mail would do better, or this mail. */
export type About = "server" | "mail";

export interface Refusal {
  /** Whether the same mail would be refused again: it is about this mail, and the server said 5xx. */
  readonly permanent: boolean;
  /** The server's words, without our password should they repeat it. */
  readonly reply: string;
  /** What it means, and the setting to change; unsaid: the server's words say it all. */
  readonly advice?: string | undefined;
  /** Unsaid: this mail. */
  readonly about?: About;
  /** Whether the server asks to come back with this mail in a few minutes (RFC 6647). */
  readonly isGreylisted?: boolean;
}

/**
 * The mail server answered, and did not take the mail. That an address is dead (5.1.1) is not remembered: providers
 * said so of living ones in their own outages, whose owners could then not reset a password, and the budget of each
 * address bounds what is tried in vain.
 */
export class MailRefused extends Error implements Refusal {
  readonly permanent: boolean;
  readonly reply: string;
  readonly about: About;
  readonly isGreylisted: boolean;

  constructor({ permanent, reply, advice, about = "mail", isGreylisted = false }: Refusal) {
    super(advice === undefined ? `Mail refused: ${reply}` : `Mail refused: ${advice} It said: ${reply}`);
    this.name = "MailRefused";
    this.permanent = permanent;
    this.reply = reply;
    this.about = about;
    this.isGreylisted = isGreylisted;
  }
}

/** No mail server answered, not to the end, or not over the encryption that is demanded. Worth another try. */
export class MailUnreachable extends Error {
  readonly about: About;

  constructor(reason: string, about: About = "mail") {
    super(`Mail server unreachable: ${reason}`);
    this.name = "MailUnreachable";
    this.about = about;
  }
}
