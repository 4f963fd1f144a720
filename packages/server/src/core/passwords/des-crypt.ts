/** The DES crypt(3) of old Unix systems, so that a hash made by it can still be checked once and replaced. */

// Tables of FIPS 46-3, bits counted from 1 as the standard prints them.
const initialPermutation = [
  58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40,
  32, 24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5,
  63, 55, 47, 39, 31, 23, 15, 7,
];
const finalPermutation = [
  40, 8, 48, 16, 56, 24, 64, 32, 39, 7, 47, 15, 55, 23, 63, 31, 38, 6, 46, 14, 54, 22, 62, 30, 37, 5, 45, 13,
  53, 21, 61, 29, 36, 4, 44, 12, 52, 20, 60, 28, 35, 3, 43, 11, 51, 19, 59, 27, 34, 2, 42, 10, 50, 18, 58, 26,
  33, 1, 41, 9, 49, 17, 57, 25,
];
const expansion = [
  32, 1, 2, 3, 4, 5, 4, 5, 6, 7, 8, 9, 8, 9, 10, 11, 12, 13, 12, 13, 14, 15, 16, 17, 16, 17, 18, 19, 20, 21,
  20, 21, 22, 23, 24, 25, 24, 25, 26, 27, 28, 29, 28, 29, 30, 31, 32, 1,
];
const roundPermutation = [
  16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22,
  11, 4, 25,
];
const keyChoice1 = [
  57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36,
  63, 55, 47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];
const keyChoice2 = [
  14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47,
  55, 30, 40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const keyShifts = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
// Each box as the standard prints it: four rows of sixteen, one hexadecimal digit a value.
const substitutionBoxes = [
  "e4d12fb83a6c59070f74e2d1a6cb953841e8d62bfc973a50fc8249175b3ea06d",
  "f18e6b34972dc05a3d47f28ec01a69b50e7ba4d158c6932fd8a13f42b67c05e9",
  "a09e63f51dc7b428d709346a285ecbf1d6498f30b12c5ae71ad069874fe3b52c",
  "7de3069a1285bc4fd8b56f03472c1ae9a690cb7df13e52843f06a1d8945bc72e",
  "2c417ab6853fd0e9eb2c47d150fa3986421bad78f9c5630eb8c71e2d6f09a453",
  "c1af92680d34e75baf427c9561de0b389ef528c3704a1db6432c95fabe17608d",
  "4b2ef08d3c975a61d0b7491ae35c2f8614bdc37eaf6805926bd814a7950fe23c",
  "d2846fb1a93e50c71fd8a374c56b0e927b419ce206adf35821e74a8dfc90356b",
].map((box) => Array.from(box, (digit) => Number.parseInt(digit, 16)));

const alphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The 13 characters crypt(3) gives for a password and a salt of two characters out of `./0-9A-Za-z`. */
export function desCrypt(password: Uint8Array, salt: string): string {
  const roundKeys = scheduleKeys(password);
  const salted = saltExpansion(salt);
  let block: number[] = Array.from({ length: 64 }, () => 0);
  for (let pass = 0; pass < 25; pass++) block = encrypt(block, roundKeys, salted);
  return salt + encode(block);
}

function permute(bits: readonly number[], table: readonly number[]): number[] {
  return table.map((position) => bits[position - 1] as number);
}

/** Sixteen round keys from the low seven bits of the first eight bytes: all that crypt(3) looks at. */
function scheduleKeys(password: Uint8Array): number[][] {
  const key = Array.from({ length: 64 }, (_, bit) => {
    const byte = password[bit >> 3] ?? 0;
    return bit % 8 === 7 ? 0 : (byte >> (6 - (bit % 8))) & 1;
  });
  const chosen = permute(key, keyChoice1);
  let left = chosen.slice(0, 28);
  let right = chosen.slice(28);
  return keyShifts.map((shift) => {
    left = [...left.slice(shift), ...left.slice(0, shift)];
    right = [...right.slice(shift), ...right.slice(0, shift)];
    return permute([...left, ...right], keyChoice2);
  });
}

/** The expansion with the entries swapped that the salt names: this is what keeps DES hardware out. */
function saltExpansion(salt: string): number[] {
  const table = [...expansion];
  for (const [index, character] of [...salt].entries()) {
    const value = alphabet.indexOf(character);
    for (let bit = 0; bit < 6; bit++) {
      if (((value >> bit) & 1) === 0) continue;
      const low = 6 * index + bit;
      [table[low], table[low + 24]] = [table[low + 24] as number, table[low] as number];
    }
  }
  return table;
}

function encrypt(block: number[], roundKeys: number[][], salted: number[]): number[] {
  const mixed = permute(block, initialPermutation);
  let left = mixed.slice(0, 32);
  let right = mixed.slice(32);
  for (const key of roundKeys) {
    const scrambled = scramble(right, key, salted);
    const next = left.map((bit, index) => bit ^ (scrambled[index] as number));
    left = right;
    right = next;
  }
  return permute([...right, ...left], finalPermutation);
}

function scramble(half: number[], key: number[], salted: number[]): number[] {
  const mixed = permute(half, salted).map((bit, index) => bit ^ (key[index] as number));
  const substituted = substitutionBoxes.flatMap((box, index) => {
    const [a, b, c, d, e, f] = mixed.slice(6 * index, 6 * index + 6) as [
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const value = box[(a << 5) | (f << 4) | (b << 3) | (c << 2) | (d << 1) | e] as number;
    return [value >> 3, (value >> 2) & 1, (value >> 1) & 1, value & 1];
  });
  return permute(substituted, roundPermutation);
}

function encode(block: readonly number[]): string {
  const bits = [...block, 0, 0];
  return Array.from({ length: 11 }, (_, index) =>
    alphabet.charAt(Number.parseInt(bits.slice(6 * index, 6 * index + 6).join(""), 2)),
  ).join("");
}
