/** A Bloom filter: a set of texts in about three bytes each, which may take a stranger for a member, never the reverse. */

import { createHash } from "node:crypto";

// 22 bits a member and 15 looked at: a stranger passes once in 40,000.
const bitsPerMember = 22;
const looks = 15;

/** The bits of a filter that has all these members; the same for the same members in any order. */
export function buildFilter(members: ReadonlySet<string>): Uint8Array {
  const filter = new Uint8Array(Math.ceil((members.size * bitsPerMember) / 8));
  for (const member of members) {
    for (const position of positions(member, filter.length * 8)) {
      filter[position >> 3] = (filter[position >> 3] as number) | (1 << (position & 7));
    }
  }
  return filter;
}

/** Whether the filter has this member: true for all of them, and for one stranger in 40,000. */
export function filterHas(filter: Uint8Array, text: string): boolean {
  return positions(text, filter.length * 8).every(
    (position) => ((filter[position >> 3] as number) >> (position & 7)) & 1,
  );
}

/** The bits a text is looked for at: two independent numbers combined serve as well as fifteen (Kirsch, Mitzenmacher 2006). */
function positions(text: string, size: number): number[] {
  const digest = createHash("sha256").update(text, "utf8").digest();
  const [start, step] = [digest.readUIntBE(0, 6), digest.readUIntBE(6, 6)];
  // At most 2^48 + 15 · 2^48 < 2^53: exact.
  return Array.from({ length: looks }, (_, look) => (start + look * step) % size);
}
