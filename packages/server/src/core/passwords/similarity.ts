/** Tells whether a password resembles something known about its owner, by the measure Django uses. */

/** What is known about a person, as Django's sentence names it. */
export type Attribute = "username" | "firstName" | "lastName" | "email";

/** What is known about the owner of a password; what is absent or empty resembles nothing. */
export type About = Readonly<Partial<Record<Attribute, string | null>>>;

/** Django's order; the first that resembles is the one spoken of. */
const attributes: readonly Attribute[] = ["username", "firstName", "lastName", "email"];
const tooSimilar = 0.7;
/** In code points: more than any password or attribute may have, so that time stays bounded whoever calls. */
const longest = 300;

/** The first attribute that the password resembles, as a whole or in one of its words. */
export function findSimilarAttribute(password: string, about: About): Attribute | undefined {
  const ours = comparedForm(password);
  const counts = countCharacters(ours);
  return attributes.find((attribute) => {
    const value = comparedForm(about[attribute] ?? "");
    return wordsOf(value).some((word) => resembles(ours.length, counts, word));
  });
}

/** The code points, in lower case, of the NFKC form, so that other widths of the same letters resemble too. */
function comparedForm(text: string): string[] {
  // Cut first as well, so that normalising is bounded too; a composed character comes of four units at most.
  return Array.from(
    text
      .slice(0, 4 * longest)
      .normalize("NFKC")
      .toLowerCase(),
  ).slice(0, longest);
}

/** The words, split where Python's `\W+` splits, and the whole. */
function wordsOf(value: readonly string[]): string[][] {
  const whole = value.join("");
  const words = whole.split(/[^\p{L}\p{N}_]+/u).filter((word) => word !== "" && word !== whole);
  return [...words.map((word) => Array.from(word)), [...value]].filter((word) => word.length > 0);
}

/**
 * Python's `SequenceMatcher.quick_ratio`: the characters both have, wherever they stand, as a share of all.
 * Django also skips a word of a tenth of the password's length; it could reach 2/11 at most, so no answer changes.
 */
function resembles(length: number, counts: ReadonlyMap<string, number>, word: readonly string[]): boolean {
  let shared = 0;
  for (const [character, count] of countCharacters(word)) {
    shared += Math.min(count, counts.get(character) ?? 0);
  }
  return (2 * shared) / (length + word.length) >= tooSimilar;
}

function countCharacters(characters: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const character of characters) counts.set(character, (counts.get(character) ?? 0) + 1);
  return counts;
}
