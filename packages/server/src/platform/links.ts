/** Which addresses a mail may lead to. */

/** What runs or shows something by itself where a link is pressed, instead of opening a page or an application. */
const scripting = /^(?:javascript|data|vbscript|blob|file|about|view-source):/i;

/** Whether a text is the address of a page, or of an application's own scheme (RFC 8252, 7.1), on one line. */
export function isLinkable(text: string): boolean {
  return /^[a-z][a-z\d+.-]*:[^\s\p{C}"<>]+$/iu.test(text) && !scripting.test(text) && URL.canParse(text);
}
