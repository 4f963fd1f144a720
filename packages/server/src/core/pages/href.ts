/** Links between our own pages: relative, so that they hold under whatever path a proxy puts this server. */

import type { Context } from "../context.ts";

/** The way from the page that is being shown to another of ours. */
export function hrefTo({ request }: Context, path: `/${string}`): string {
  const stepsUp = Math.max(0, request.path.split("/").length - 2);
  return `${stepsUp > 0 ? "../".repeat(stepsUp) : "./"}${path.slice(1)}`;
}
