/** How the settings are read that have rules of their own. */

import { parseDuration, seconds } from "../platform/duration.ts";
import { isLinkable } from "../platform/links.ts";
import { oneOf } from "../platform/readers.ts";
import { languageOf, languages } from "../platform/texts.ts";
import { parseMailbox } from "./mail/mailbox.ts";
import { argon2Ceiling } from "./passwords/formats.ts";

// Django's spellings too: its projects say en-us and pt-br.
export const languageCode = {
  kind: languages.join(", "),
  read: (text: string) => {
    const language = languageOf(text.trim());
    if (language) return language;
    throw new Error(`must be one of ${languages.join(", ")}`);
  },
};

export const mailbox = {
  kind: "address, or Name <address>",
  read: (text: string) => {
    const parsed = parseMailbox(text);
    if (parsed) return parsed;
    throw new Error("must be an address, or Name <address>");
  },
};

export const longText = {
  kind: "text of 16 characters or more",
  read: (text: string) => {
    if (text.length >= 16) return text;
    throw new Error("must have 16 characters or more: imagaine-auth secret makes one");
  },
};

export const linkTemplate = {
  kind: "URL with {token}",
  read: (text: string) => {
    const [before = "", after, ...more] = text.split("{token}");
    const url = URL.parse(`${before}x${after}`);
    const isLink = after !== undefined && more.length === 0 && url !== null && isLinkable(text);
    if (isLink && !url.username && !url.password) return text;
    throw new Error(
      "must be an address with {token} in it, such as https://app.example.com/#/verify/{token}",
    );
  },
};

const level = oneOf("debug", "info", "warn", "error");

// In any case, and Python's word too: the name is one that many programs share.
export const logLevel = {
  kind: level.kind,
  read: (text: string) =>
    level.read(
      text
        .trim()
        .toLowerCase()
        .replace(/^warning$/, "warn"),
    ),
};

export const argon2 = {
  kind: "m,t,p",
  read: (text: string) => {
    const match = /^(\d{1,7}),(\d{1,3}),(\d{1,2})$/.exec(text.trim());
    const [memoryKib = 0, passes = 0, parallelism = 0] = (match ?? []).slice(1).map(Number);
    const isPossible = memoryKib >= 8 * parallelism && passes >= 1 && parallelism >= 1;
    const isAffordable =
      memoryKib <= argon2Ceiling.memoryKib &&
      passes <= argon2Ceiling.passes &&
      parallelism <= argon2Ceiling.parallelism;
    if (isPossible && isAffordable) return { memoryKib, passes, parallelism };
    const most = [argon2Ceiling.memoryKib, argon2Ceiling.passes, argon2Ceiling.parallelism];
    throw new Error(`must be memory in KiB, passes and lanes, such as 19456,2,1, at most ${most.join()}`);
  },
};

export const shutdownDelay = {
  kind: "duration, 0s to 15s",
  read: (text: string) => {
    const span = /^0s?$/.test(text.trim()) ? 0 : parseDuration(text);
    // What is under way needs the rest of the 20 seconds that a stop may take.
    if (span !== undefined && span <= seconds(15)) return span;
    throw new Error("must be a duration such as 5s, from 0s to 15s");
  },
};
