/** Exchanges of our own: what the recordings are silent on, in the same form. */

import type { Exchange } from "./exchanges.ts";
import type { Own } from "./own/calls.ts";
import { limits } from "./own/limits.ts";
import { devices, links, logout, resend, tokens, verifyByCode } from "./own/sessions.ts";
import { bodies, fields, forms, languages, order, problems, root } from "./own/wire.ts";

const groups: Readonly<Record<string, readonly Own[]>> = {
  ...{ logout, resend, "verify by code": verifyByCode, links, languages, "problem+json": problems },
  ...{ bodies, forms, fields, "order of judgement": order, tokens, devices, limits, root },
};

export const ownExchanges: readonly Exchange[] = Object.entries(groups).flatMap(([group, exchanges]) =>
  exchanges.map((exchange) => ({ ...exchange, group, profile: group === "limits" ? "throttled" : "main" })),
);
