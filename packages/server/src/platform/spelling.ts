/** Tells what a misspelt word was meant to be. */

/** The word that was meant: the same but for capitals, dashes and underscores, or one slip away from it. */
export function findMeant(word: string, words: readonly string[]): string | undefined {
  const bare = (text: string) => text.toLowerCase().replaceAll(/[-_\s]/g, "");
  return (
    words.find((one) => bare(one) === bare(word)) ?? words.find((one) => isOneSlipAway(bare(one), bare(word)))
  );
}

/** Whether two names differ by one letter added, left out, changed, or swapped with its neighbour. */
export function isOneSlipAway(one: string, other: string): boolean {
  if (one === other || Math.abs(one.length - other.length) > 1) return false;
  let start = 0;
  while (start < one.length && one[start] === other[start]) start += 1;
  const [a, b] = [one.slice(start), other.slice(start)];
  return (
    a.slice(1) === b ||
    a === b.slice(1) ||
    a.slice(1) === b.slice(1) ||
    (a[0] === b[1] && a[1] === b[0] && a.slice(2) === b.slice(2))
  );
}
