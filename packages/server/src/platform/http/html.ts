/** HTML that escapes whatever is put into it, unless it is HTML already. */

const brand = Symbol("html");

export interface Html {
  readonly [brand]: true;
  readonly text: string;
}

type Part = string | number | Html | readonly Html[] | undefined | false;

/** Builds HTML from a template; every value in it is escaped. */
export function html(strings: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const text = strings.reduce((sum, string, index) => sum + render(parts[index - 1]) + string);
  return { [brand]: true, text };
}

function render(part: Part): string {
  if (part === undefined || part === false) return "";
  if (typeof part === "string" || typeof part === "number") return escapeHtml(String(part));
  return "text" in part ? part.text : part.map((one) => one.text).join("");
}

/** Text that is harmless in elements and in quoted attributes. */
export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

/** Takes text for HTML as it is: for our own style sheets and scripts only. */
export function trustedHtml(text: string): Html {
  return { [brand]: true, text };
}
