/** Whether a request only looks ahead: a browser's guess at what its user may open next, which must change nothing. */

const sayingSo = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/**
 * Sec-Purpose (the Fetch standard), and what was sent before there was one: Purpose, X-Purpose, X-Moz. In any case, and in
 * lists and with parameters, such as `prefetch;prerender`.
 */
export function onlyLooksAhead(headers: Headers): boolean {
  return sayingSo.some((name) => /prefetch|preview|prerender/i.test(headers.get(name) ?? ""));
}
