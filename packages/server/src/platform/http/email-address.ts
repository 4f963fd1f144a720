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

// An encoded word (RFC 2047): some mail programs decode it even in an address, and write to somebody else.
const encodedWord = /=\?.*\?=/;

export const emailMaxLength = 254;

/** Whether the text is an e-mail address. Lengths are the caller's to check first. */
export function isEmailAddress(text: string): boolean {
  const at = text.lastIndexOf("@");
  if (at < 1) return false;
  const [local, domain] = [text.slice(0, at), text.slice(at + 1)];
  if ((!dotAtom.test(local) && !quoted.test(local)) || encodedWord.test(local)) return false;
  return isDomain(domain) || isDomain(domainToASCII(domain)) || isAddressLiteral(domain);
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
  return domain.startsWith("[") && domain.endsWith("]") && isIP(domain.slice(1, -1)) !== 0;
}

/** The address as it is stored and written to: the domain in lower-case ASCII, the local part as typed. */
export function storedEmail(text: string): string {
  const at = text.lastIndexOf("@");
  const domain = text.slice(at + 1);
  return `${text.slice(0, at)}@${(domainToASCII(domain) || domain).toLowerCase()}`;
}

/** The form that tells whether two addresses are the same one: NFKC, all in lower case; no dots or tags folded. */
export function canonicalEmail(text: string): string {
  return storedEmail(text).normalize("NFKC").toLowerCase();
}
