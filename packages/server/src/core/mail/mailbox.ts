/** Which texts are a mailbox: one address, and the name it goes by; never a list of them. */

export interface Mailbox {
  /** What people see in place of the address; may be empty. */
  readonly name: string;
  readonly address: string;
}

// A dot-atom or a quoted local part without anything that separates, ends or comments addresses (RFC 5322, 3.2.3):
// what a mail program between us and the mailbox could read as a second recipient is not written to at all.
const local = /^(?:[^\s\p{C}@,;:<>()[\]\\"]+|"[^\s\p{C}@,;:<>()[\]\\"]+")$/u;
const domain = /^(?:[\p{L}\p{M}\p{N}.-]+|\[[A-Za-z0-9:.]+\])$/u;

/** Whether a mail to this address reaches it and nobody else, however the address is read on its way. */
export function isMailableAddress(address: string): boolean {
  const at = address.lastIndexOf("@");
  if (at < 1 || address.length > 254) return false;
  // An encoded word (RFC 2047) is decoded by some programs even in an address, where it hides another.
  return local.test(address.slice(0, at)) && domain.test(address.slice(at + 1)) && !address.includes("=?");
}

/**
 * The mailbox of `a@b.example`, `Name <a@b.example>` or `"Name, Inc." <a@b.example>`; undefined for anything else.
 * A name with a comma, a semicolon or an @ must be quoted, since without quotes it reads as a list.
 */
export function parseMailbox(text: string): Mailbox | undefined {
  const trimmed = text.trim();
  const open = trimmed.indexOf("<");
  if (open === -1) return toMailbox("", trimmed);
  if (!trimmed.endsWith(">")) return undefined;
  const name = readName(trimmed.slice(0, open).trim());
  return name === undefined ? undefined : toMailbox(name, trimmed.slice(open + 1, -1));
}

function toMailbox(name: string, address: string): Mailbox | undefined {
  return isMailableAddress(address) ? { name, address } : undefined;
}

function readName(text: string): string | undefined {
  if (text.length > 200 || /\p{C}/u.test(text)) return undefined;
  const quoted = /^"((?:[^"\\]|\\["\\])*)"$/.exec(text)?.[1];
  if (quoted !== undefined) return quoted.replace(/\\(.)/g, "$1");
  return /[",;@<>\\]/.test(text) ? undefined : text;
}
