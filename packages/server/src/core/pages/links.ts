/** Where pages of ours are: every link and form of a page takes its path from here. */

import type { Context } from "../context.ts";

/** The address of a page of ours, as a browser reaches it. */
export function pageLink(_ctx: Context, path: `/${string}`): string {
  return path;
}
