/** Which texts are e-mail addresses: the rule of the original (Django 3.2's), in linear time. */

import { isIP } from "node:net";
import { domainToASCII } from "node:url";

const dotAtom = /^[-!#$%&'*+/=?^_`{}|~0-9A-Z]+(?:\.[-!#$%&'*+/=?^_`{}|~0-9A-Z]+)*$/i;
// The quoted form takes no space: [\x23-\x5b] and [\x5d-\x7f] are the printable rest, plus some control characters.
const quoted =
  // oxlint-disable-next-line no-control-regex -- the original takes them, so its users may have them
  /^"(?:[\x01-\x08\x0b\x0c\x0e-\x1f!\x23-\x5b\x5d-\x7f]|\\[\x01-\x09\x0b\x0c\x0e-\x7f])*"$/;
const label = /^[A-Z0-9](?:[A-Z0-9-]{0,61}[A-Z0-9])?$/i;
const topLevel = /^[A-Z0-9-]{2,63}$/i;
// oxlint-disable-next-line no-control-regex -- all of ASCII
const isAscii = /^[\x00-\x7f]*$/;
// oxlint-disable-next-line no-control-regex -- everything but ASCII's own punctuation
const hasOnlyDomainCharacters = /^[A-Z0-9.\-\x80-\u{10ffff}]*$/iu;

export const emailMaxLength = 254;

/** Whether the text is an e-mail address. Its length is the caller's to check first. */
export function isEmailAddress(text: string): boolean {
  const at = text.lastIndexOf("@");
  if (at < 1) return false;
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)];
  if (!dotAtom.test(local) && !quoted.test(local)) return false;
  if (hasEncodedWord(local)) return false;
  const ascii = asciiDomain(domain);
  // Written in ASCII a domain can be longer, and that is the form it is stored and written to in.
  if (ascii.length > domain.length && at + 1 + ascii.length > emailMaxLength) return false;
  return isDomain(ascii) || isAddressLiteral(ascii);
}

/**
 * The domain in lower-case ASCII, "" when there is none. Only letters of other scripts are translated: the URL
 * standard's translation would also cut "x.test/y" short, decode "x%2Etest" and read "0x7f.1" as a number.
 */
function asciiDomain(domain: string): string {
  if (isAscii.test(domain)) return domain.toLowerCase();
  return hasOnlyDomainCharacters.test(domain) ? domainToASCII(domain) : "";
}

/** Mail software that decodes RFC 2047 where it should not would read another address in there. */
function hasEncodedWord(local: string): boolean {
  const start = local.indexOf("=?");
  return start >= 0 && local.includes("?=", start + 2);
}

function isDomain(domain: string): boolean {
  if (domain === "localhost") return true;
  const labels = domain.split(".");
  const last = labels.pop() ?? "";
  return (
    labels.length > 0 && labels.every((one) => label.test(one)) && topLevel.test(last) && !last.endsWith("-")
  );
}

function isAddressLiteral(domain: string): boolean {
  // A zone ("%eth0") names a network card of ours, not a place.
  return /^\[[0-9a-f:.]+\]$/.test(domain) && isIP(domain.slice(1, -1)) !== 0;
}

/** The address as it is stored and written to: the domain in lower-case ASCII, the local part as typed. */
export function storedEmail(text: string): string {
  const at = text.lastIndexOf("@");
  return `${text.slice(0, at)}@${asciiDomain(text.slice(at + 1)) || text.slice(at + 1).toLowerCase()}`;
}

/** The form that tells whether two addresses are the same one: NFKC, all in lower case; no dots or tags folded. */
export function canonicalEmail(text: string): string {
  return storedEmail(text).normalize("NFKC").toLowerCase();
}
