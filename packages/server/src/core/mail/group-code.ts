/** A code as it is read aloud and typed: in groups. */

/** `493 771` for `493771`: groups of four where they come out even, else of three. */
export function groupCode(code: string): string {
  const size = code.length > 4 && code.length % 4 === 0 ? 4 : 3;
  return code.replace(/\s/g, "").replace(new RegExp(`(.{${size}})(?=.)`, "gu"), "$1 ");
}
