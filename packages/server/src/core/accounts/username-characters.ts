/** The characters that a username may consist of: those of the original's pattern, which are Python's `\w` and `@ . + -`. */

/** Letters and digits that came after Unicode 14, the one that the original's Python 3.11 knows. */
const newer = [
  String.raw`\u088F\u0C5C\u0CDC\u1C89-\u1C8A\uA7CB-\uA7CF\uA7D2\uA7D4\uA7DA-\uA7DC\uA7F1\u{105C0}-\u{105F3}`,
  String.raw`\u{10940}-\u{10959}\u{10D40}-\u{10D65}\u{10D6F}-\u{10D85}\u{10EC2}-\u{10EC7}\u{1123F}-\u{11240}`,
  String.raw`\u{11380}-\u{11389}\u{1138B}\u{1138E}\u{11390}-\u{113B5}\u{113B7}\u{113D1}\u{113D3}`,
  String.raw`\u{116D0}-\u{116E3}\u{11BC0}-\u{11BE0}\u{11BF0}-\u{11BF9}\u{11DB0}-\u{11DDB}\u{11DE0}-\u{11DE9}`,
  String.raw`\u{11F02}\u{11F04}-\u{11F10}\u{11F12}-\u{11F33}\u{11F50}-\u{11F59}\u{1342F}\u{13441}-\u{13446}`,
  String.raw`\u{13460}-\u{143FA}\u{16100}-\u{1611D}\u{16130}-\u{16139}\u{16D40}-\u{16D6C}\u{16D70}-\u{16D79}`,
  String.raw`\u{16EA0}-\u{16EB8}\u{16EBB}-\u{16ED3}\u{16FF2}-\u{16FF6}\u{187F8}-\u{187FF}\u{18CFF}`,
  String.raw`\u{18D09}-\u{18D1E}\u{18D80}-\u{18DF2}\u{1B132}\u{1B155}\u{1CCF0}-\u{1CCF9}\u{1D2C0}-\u{1D2D3}`,
  String.raw`\u{1DF25}-\u{1DF2A}\u{1E030}-\u{1E06D}\u{1E4D0}-\u{1E4EB}\u{1E4F0}-\u{1E4F9}\u{1E5D0}-\u{1E5ED}`,
  String.raw`\u{1E5F0}-\u{1E5FA}\u{1E6C0}-\u{1E6DE}\u{1E6E0}-\u{1E6E2}\u{1E6E4}-\u{1E6E5}\u{1E6E7}-\u{1E6ED}`,
  String.raw`\u{1E6F0}-\u{1E6F4}\u{1E6FE}-\u{1E6FF}\u{2B739}-\u{2B73F}\u{2CEA2}-\u{2CEAD}\u{2EBF0}-\u{2EE5D}`,
  String.raw`\u{31350}-\u{33479}`,
].join("");

const ofTheOriginal = new RegExp(String.raw`^(?:(?![${newer}])[\p{L}\p{N}_.@+-])+$`, "u");

/** Four letters of Hangul that are seen as nothing: with one, two usernames would look the same (UTS #39, 3.1). */
const invisible = /\p{Default_Ignorable_Code_Point}/u;

export function isUsername(text: string): boolean {
  return ofTheOriginal.test(text) && !invisible.test(text);
}
