/** White space as Python sees it, which is what the original trims from whatever it is sent. */

const whiteSpace =
  "\t\n\v\f\r\u001C\u001D\u001E\u001F \u0085\u00A0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200A\u2028\u2029\u202F\u205F\u3000";

/**
 * The text without outer white space, as Python's `str.strip` takes it off: unlike `trim`, it takes U+001C to 001F and
 * 0085, and leaves U+FEFF. By hand, since a pattern for the end of a text starts again at every blank inside it.
 */
export function trimWhiteSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && whiteSpace.includes(text.charAt(start))) start += 1;
  while (end > start && whiteSpace.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(start, end);
}
