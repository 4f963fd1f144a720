/** Trade a refresh token for new ones; verify a token; sign out. */

import type { Feature } from "../../core/feature.ts";
import { logout, refresh, verify } from "./api.ts";
import { refreshTokens, verifyToken } from "./flow.ts";
import { signOut } from "./logout.ts";
import { sessionReuseMail } from "./mail.ts";

export const tokenRefresh = {
  name: "tokenRefresh",
  endpoints: [refresh, verify, logout],
  flows: { refresh: refreshTokens, verify: verifyToken, signOut },
  mails: [sessionReuseMail],
} as const satisfies Feature;
