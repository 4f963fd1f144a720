/** How the text of a setting becomes a value; every refusal says what would be right. */

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { BlockList, isIPv4, isIPv6 } from "node:net";
import { days, parseDuration } from "./duration.ts";
import type { Reader } from "./settings.ts";
import { isOneSlipAway } from "./spelling.ts";

function reader<T>(kind: string, read: (text: string) => T): Reader<T> {
  return { kind, read };
}

export const text = reader("text", (value) => value);

export const switchedOn = reader("on or off", (value) => {
  const word = value.trim().toLowerCase();
  if (["1", "true", "yes", "on"].includes(word)) return true;
  if (["0", "false", "no", "off"].includes(word)) return false;
  throw new Error("must be on or off (true, false, yes, no, 1, 0)");
});

export function wholeNumber(least: number, most: number): Reader<number> {
  return reader(`whole number, ${least} to ${most}`, (value) => {
    const number = /^\d{1,15}$/.test(value.trim()) ? Number(value) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new Error(`must be a whole number from ${least} to ${most}`);
  });
}

/** Milliseconds, between two spans written the same way. */
export function duration(least: string, most: string): Reader<number> {
  return reader(`duration, ${least} to ${most}`, (value) => {
    const span = parseDuration(value);
    if (span !== undefined && span >= (parseDuration(least) ?? 0) && span <= (parseDuration(most) ?? 0)) {
      return span;
    }
    throw new Error(`must be a duration such as 15m, 24h or 7d, from ${least} to ${most}`);
  });
}

/** How many in what time. */
export const rate = reader("number/duration", (value) => {
  const [, number = "", span = ""] = /^([1-9]\d{0,5})\/(.+)$/.exec(value.trim()) ?? [];
  const within = parseDuration(span);
  if (within !== undefined && within <= days(1)) return { most: Number(number), within };
  throw new Error("must be how many in what time, such as 30/1m or 20/1h, within a day at the most");
});

export function oneOf<const Word extends string>(...words: readonly Word[]): Reader<Word> {
  return reader(words.join(", "), (value) => {
    const word = words.find((candidate) => candidate === value.trim());
    if (word !== undefined) return word;
    throw new Error(`must be one of ${words.join(", ")}`);
  });
}

/** Comma-separated, each of these words at the most once. */
export function someOf<const Word extends string>(...words: readonly Word[]): Reader<readonly Word[]> {
  return reader(`any of ${words.join(", ")}`, (value) => {
    const said = splitList(value);
    const known = words.filter((word) => said.includes(word));
    if (new Set(said).size === known.length) return known;
    throw new Error(`must list any of ${words.join(", ")}`);
  });
}

/** The path of a file with certificates in PEM (RFC 7468); the value is what the file holds. */
export const certificateFile = reader("path of a PEM file", (value) => {
  let text: string;
  try {
    text = readFileSync(value.trim(), "utf8");
  } catch (error) {
    const { code = "unreadable" } = error as NodeJS.ErrnoException;
    throw new Error(`names a file that cannot be read (${code})`, { cause: error });
  }
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ?? [];
  if (blocks.length === 0 || !blocks.every(isCertificate)) {
    throw new Error("names a file that holds no certificate in PEM (-----BEGIN CERTIFICATE-----)");
  }
  return blocks.join("\n");
});

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** An http or https address without query, fragment or credentials; given back without its final slash. */
export const webAddress = reader("URL", (value) => {
  const url = URL.canParse(value.trim()) ? new URL(value.trim()) : undefined;
  const isPlain = url && !url.username && !url.password && !/[?#]/.test(value);
  if (!isPlain || !["http:", "https:"].includes(url.protocol)) {
    throw new Error("must be an address such as https://auth.example.com");
  }
  return withoutFinalSlashes(url.href);
});

function withoutFinalSlashes(address: string): string {
  let end = address.length;
  while (address[end - 1] === "/") end -= 1;
  return address.slice(0, end);
}

/**
 * Comma-separated exact origins, of pages and of applications, which have a scheme of their own; a wildcard is refused,
 * since it would let every page in, and so is whatever browsers call null.
 */
export const origins = reader("origins, comma-separated", (value) =>
  splitList(value).map((text) => {
    const origin = text.replace(/\/$/, "");
    if (isExactOrigin(origin)) return origin;
    throw new Error(
      `must list exact origins such as https://app.example.com or capacitor://localhost, not "${text}"`,
    );
  }),
);

/** Whether it is the origin of a page or an application, as a browser sends it; never `null` or a wildcard. */
export function isExactOrigin(origin: string): boolean {
  return isWebOrigin(origin) || isApplicationOrigin(origin);
}

const webSchemes = ["http", "https"];

function isWebOrigin(origin: string): boolean {
  const url = URL.parse(origin);
  return url?.origin === origin && webSchemes.includes(url.protocol.slice(0, -1)) && !origin.includes("*");
}

/** `capacitor://localhost`, `chrome-extension://ID`: as the application sends it, so in lower case. */
function isApplicationOrigin(origin: string): boolean {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\/[a-z0-9][a-z0-9._-]*(?::\d{1,5})?$/.exec(origin)?.[1];
  // Those of the network are no application's, and one slip away from http was meant to be a page's.
  const others = [...webSchemes, "ws", "wss", "ftp", "file", "data", "blob", "about", "javascript"];
  return (
    scheme !== undefined && !others.includes(scheme) && !webSchemes.some((one) => isOneSlipAway(scheme, one))
  );
}

export const words = reader("words, comma-separated", splitList);

/** Comma-separated addresses and CIDR blocks, as something that can be asked whether an address lies in it. */
export const addressBlocks = reader("CIDR blocks, comma-separated", (value) => {
  const list = new BlockList();
  for (const block of splitList(value)) {
    const [address = "", prefix, ...rest] = block.split("/");
    const family = isIPv4(address) ? "ipv4" : isIPv6(address) ? "ipv6" : undefined;
    const most = family === "ipv4" ? 32 : 128;
    const bits = prefix === undefined ? most : /^\d{1,3}$/.test(prefix) ? Number(prefix) : Number.NaN;
    // Not every address there is: then anybody's word would be believed on who calls.
    if (!family || address.includes("%") || rest.length > 0 || !(bits >= 1 && bits <= most)) {
      throw new Error(`must list addresses or blocks such as 10.0.0.0/8, not "${block}"`);
    }
    list.addSubnet(address, bits, family);
  }
  return list;
});

function splitList(value: string): string[] {
  return value
    .split(",")
    .map((item) => item.trim())
    .filter((item) => item !== "");
}
