/** Text of strangers made fit for a mail: one line that is nothing but text. */

/**
 * The text on one line, for headers and for blocks of a mail: breaks and other control characters become a space
 * (they would open a header or a paragraph of their own), marks that turn the direction of writing go (they show
 * a text as another), and half a surrogate pair becomes U+FFFD.
 */
export function toPlainLine(text: string): string {
  return text
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
    .replace(/[\u202a-\u202e\u2066-\u2069]/g, "")
    .trim();
}

const nameMaxLength = 40;

/** What mail programs turn into links by themselves: `https:…`, `www.…`, `evil.example/…`, `192.0.2.1`. */
// Without the flag i, which makes a letter of U+0345, a mark: each could then be read as both, in quadratic time.
const linkLike = /[\p{L}\p{N}]:\S|:\/\/|[Ww]{3}\.|[\p{L}\p{N}]\p{M}*\.[\p{L}\p{N}-]{2}|\d\.\d+\.\d/u;

/**
 * A person's name as a mail may say it: without what a mail program would make a link of, at most 40 characters.
 * Empty when nothing is left. Names are typed by strangers, and a mail from us must not carry their advertisement.
 */
export function neutraliseName(name: string): string {
  // Width, ligatures and invisible characters are undone first: `ｅｖｉｌ．ｅｘａｍｐｌｅ` is a domain to a browser.
  const plain = toPlainLine(name.slice(0, 1000))
    .normalize("NFKC")
    .replace(/\p{Cf}/gu, "")
    .replace(/\u3002/g, ".");
  const words = plain.split(/\s+/).filter((word) => !linkLike.test(word));
  return Array.from(words.join(" ")).slice(0, nameMaxLength).join("").trim();
}
