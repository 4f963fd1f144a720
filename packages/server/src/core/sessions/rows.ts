/** The table of sessions, as its rows are. */

import type { AccountRow } from "../accounts/accounts.ts";
import type { Context } from "../context.ts";

export interface SessionRow {
  id: string;
  account_id: string;
  /** How often its refresh token has been exchanged: the token that carries this number is the current one. */
  counter: number;
  created_at: number;
  rotated_at: number;
  last_used_at: number;
  idle_expires_at: number;
  expires_at: number;
  ended_at: number | null;
  ended_reason: string | null;
  /** Fingerprint of the Idempotency-Key that the last rotation came with. */
  retry_key: string | null;
  /** The counter from which its tokens are good: those of before knew an older password. */
  renewed_at_counter: number | null;
  /** The counter at which a lost answer was last given again late. */
  recovered_at_counter: number | null;
  /** Fingerprint of the simplejwt token that was exchanged for this session; one such token, one session. */
  exchanged_token: string | null;
  /** How long that token would live: until then its fingerprint is kept. */
  exchanged_until: number | null;
  auth_time: number;
  methods: string;
  address: string;
  user_agent: string;
}

export type EndReason = "logout" | "revoked" | "reuse" | "password" | "disabled" | "surplus";

export const sessionsIn = (ctx: Context) =>
  ctx.db.$extendTables<{ sessions: SessionRow; accounts: AccountRow }>();
