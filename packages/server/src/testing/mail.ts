/** Mail in tests: a kind of mail without a story, and what stands where a mail server would. */

import type { Mail } from "../core/mail/mail.ts";
import type { Message } from "../core/mail/message.ts";
import type { Sent, Transport } from "../core/mail/transports/transport.ts";
import { days } from "../platform/duration.ts";

/** A mail to whoever it is sent to, of use for two days, unless a test says otherwise. */
export function noteMail(changes: Partial<Mail<{ readonly text: string }>> = {}) {
  const mail: Mail<{ readonly text: string }> = {
    name: "note",
    isAwaited: true,
    worthSendingFor: () => days(2),
    budget: [],
    compose: async (_ctx, { to, data }) => ({
      to,
      content: { subject: "Note", preheader: "A note for you.", paragraphs: [data.text] },
    }),
    ...changes,
  };
  return { mail, feature: { name: "note", mails: [mail] } };
}

export interface TestTransport extends Transport {
  /** Every message that was handed over, whatever became of it. */
  readonly seen: readonly Message[];
  /** By which each of them is told to break off; undefined where it never is. */
  readonly signals: readonly (AbortSignal | undefined)[];
}

/** Hands each message to `answer`, which takes it, refuses it, or keeps the worker waiting. */
export function transportOf(answer: (message: Message) => Promise<Sent> = takeIt): TestTransport {
  const seen: Message[] = [];
  const signals: (AbortSignal | undefined)[] = [];
  return {
    name: "test",
    seen,
    signals,
    send: (message, _mail, signal) => {
      seen.push(message);
      signals.push(signal);
      return answer(message);
    },
    verify: async () => undefined,
    close: () => undefined,
  };
}

async function takeIt(): Promise<Sent> {
  return { reply: "250 2.0.0 Taken" };
}
