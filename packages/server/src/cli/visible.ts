/** Text of strangers made fit for a terminal: it is seen, and moves nothing. */

// Control characters and marks of writing direction could recolour, overwrite or reorder what an operator reads
// (CWE-150): a first name may hold any of them.
// oxlint-disable-next-line no-control-regex -- these are what is looked for
const invisible = /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** The text with every such character written as `\u001b`. */
export function visible(text: string): string {
  return text
    .toWellFormed()
    .replace(invisible, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** One document of JSON, which any parser reads as it was, and any terminal shows as it is. */
export function toVisibleJson(value: unknown, indent?: number): string {
  const text = JSON.stringify(value, undefined, indent);
  return indent === undefined ? visible(text) : text.split("\n").map(visible).join("\n");
}

const wide =
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u;

/** The columns that a text takes on a terminal. */
export function widthOf(text: string): number {
  let width = 0;
  for (const character of text) width += /\p{M}/u.test(character) ? 0 : wide.test(character) ? 2 : 1;
  return width;
}

/** The text cut to so many columns, with `…` for what is missing. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = "";
  for (const character of text) {
    if (widthOf(kept + character) > width - 1) break;
    kept += character;
  }
  return `${kept}…`;
}

/** The lines of a text no wider than that where it has room to break; those after the first stand further in. */
export function wrap(text: string, indent: number, width: number | undefined): string[] {
  if (width === undefined || widthOf(text) <= width) return [text];
  const lines: string[] = [];
  let line = /^ */.exec(text)?.[0] ?? "";
  let isEmpty = true;
  for (const word of text.trimStart().split(/ (?! )/)) {
    const longer: string = isEmpty ? line + word : `${line} ${word}`;
    if (isEmpty || widthOf(longer) <= width) {
      [line, isEmpty] = [longer, false];
      continue;
    }
    lines.push(line);
    line = " ".repeat(indent) + word;
  }
  return [...lines, line];
}
