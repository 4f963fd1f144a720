/** The tables that features share. */

import { sql } from "kysely";
import type { Migrations, MigrationTools } from "../platform/database/migrate.ts";
import { event } from "./events/events.ts";

export const databaseWasMigrated = event<{ migrations: number }>("database.migrated");

export const coreMigrations: Migrations = {
  "2026-11-24-accounts": {
    breaks: false,
    run: async (tools) => {
      await createAccounts(tools);
      await createRegistrationAttempts(tools);
      await createOneTimeTokens(tools);
    },
  },
  "2026-11-24-sessions": { breaks: false, run: createSessions },
  "2026-11-24-mail": { breaks: false, run: createMailTables },
  "2026-11-24-signing-keys": { breaks: false, run: createSigningKeys },
  "2026-11-24-unconfirmed": { breaks: false, run: addUnconfirmed },
  "2026-11-24-trail": { breaks: false, run: createTrail },
  "2026-11-28-links-side-by-side": {
    breaks: false,
    run: async ({ db, text }) => {
      await db.schema.alterTable("one_time_tokens").addColumn("asked_from", text).execute();
    },
  },
  "2026-11-28-mail-turns": { breaks: false, run: addMailTurns },
  "2026-11-28-nodes": { breaks: false, run: createNodes },
  "2026-11-28-session-recovery": { breaks: false, run: addSessionRecovery },
  "2026-11-28-sessions-not-ended": {
    breaks: false,
    run: async ({ db }) => {
      // What a refresh changes is no part of it either: see `sessions_account`.
      await db.schema
        .createIndex("sessions_not_ended")
        .on("sessions")
        .column("account_id")
        .where(sql<boolean>`ended_at is null`)
        .execute();
    },
  },
  "2026-11-28-held-guesses": { breaks: false, run: addHeldGuesses },
  "2026-11-28-device-epoch": { breaks: false, run: addDeviceEpoch },
  "2026-11-28-renewed-sessions": { breaks: false, run: addRenewedSessions },
  "2026-11-28-sign-in-places": { breaks: false, run: createSignInPlaces },
};

async function addSessionRecovery({ db, integer }: MigrationTools): Promise<void> {
  await db.schema.alterTable("sessions").addColumn("recovered_at_counter", integer).execute();
}

async function createAccounts({ db, text, time }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("accounts")
    .addColumn("id", text, (column) => column.primaryKey())
    .addColumn("email", text, (column) => column.notNull())
    .addColumn("email_canonical", text, (column) => column.notNull())
    .addColumn("username", text, (column) => column.notNull())
    .addColumn("username_canonical", text, (column) => column.notNull())
    .addColumn("password_hash", text)
    .addColumn("verified_at", time)
    .addColumn("disabled_at", time)
    .addColumn("tokens_valid_from", time)
    .addColumn("last_sign_in_at", time)
    .addColumn("created_at", time, (column) => column.notNull())
    .addColumn("updated_at", time, (column) => column.notNull())
    .execute();
  await db.schema.createIndex("accounts_email").unique().on("accounts").column("email_canonical").execute();
  await db.schema
    .createIndex("accounts_username")
    .unique()
    .on("accounts")
    .column("username_canonical")
    .execute();
  await db.schema.createIndex("accounts_created_at").on("accounts").columns(["created_at", "id"]).execute();
}

async function createRegistrationAttempts({ db, text, time, json }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("registration_attempts")
    .addColumn("id", text, (column) => column.primaryKey())
    .addColumn("account_id", text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
    .addColumn("username", text, (column) => column.notNull())
    .addColumn("password_hash", text, (column) => column.notNull())
    .addColumn("fields", json, (column) => column.notNull())
    .addColumn("created_at", time, (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("registration_attempts_account")
    .on("registration_attempts")
    .column("account_id")
    .execute();
}

async function createOneTimeTokens({ db, text, integer, time }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("one_time_tokens")
    .addColumn("hash", text, (column) => column.primaryKey())
    .addColumn("purpose", text, (column) => column.notNull())
    .addColumn("account_id", text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
    .addColumn("created_at", time, (column) => column.notNull())
    .addColumn("expires_at", time, (column) => column.notNull())
    .addColumn("used_at", time)
    .addColumn("code_mac", text)
    .addColumn("code_expires_at", time)
    .addColumn("code_tries", integer, (column) => column.notNull())
    .execute();
  await db.schema
    .createIndex("one_time_tokens_account")
    .on("one_time_tokens")
    .columns(["account_id", "purpose"])
    .execute();
  await db.schema
    .createIndex("one_time_tokens_expires_at")
    .on("one_time_tokens")
    .column("expires_at")
    .execute();
}

async function createSessions({ db, text, integer, time }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("sessions")
    .addColumn("id", text, (column) => column.primaryKey())
    .addColumn("account_id", text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
    .addColumn("counter", integer, (column) => column.notNull())
    .addColumn("created_at", time, (column) => column.notNull())
    .addColumn("rotated_at", time, (column) => column.notNull())
    .addColumn("last_used_at", time, (column) => column.notNull())
    .addColumn("idle_expires_at", time, (column) => column.notNull())
    .addColumn("expires_at", time, (column) => column.notNull())
    .addColumn("ended_at", time)
    .addColumn("ended_reason", text)
    .addColumn("retry_key", text)
    .addColumn("exchanged_token", text)
    .addColumn("exchanged_until", time)
    .addColumn("auth_time", time, (column) => column.notNull())
    .addColumn("methods", text, (column) => column.notNull())
    .addColumn("address", text, (column) => column.notNull())
    .addColumn("user_agent", text, (column) => column.notNull())
    .execute();
  // Nothing that a refresh changes is part of an index: it writes one row, and on PostgreSQL moves no entry (HOT).
  await db.schema.createIndex("sessions_account").on("sessions").column("account_id").execute();
  await db.schema.createIndex("sessions_expires_at").on("sessions").column("expires_at").execute();
  await db.schema
    .createIndex("sessions_exchanged_token")
    .unique()
    .on("sessions")
    .column("exchanged_token")
    .execute();
}

async function createMailTables({ db, text, integer, time }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("outbox")
    .addColumn("id", text, (column) => column.primaryKey())
    .addColumn("mail", text, (column) => column.notNull())
    .addColumn("recipient", text, (column) => column.notNull())
    .addColumn("payload", text)
    .addColumn("state", text, (column) => column.notNull())
    .addColumn("attempts", integer, (column) => column.notNull())
    .addColumn("due_at", time, (column) => column.notNull())
    .addColumn("expires_at", time, (column) => column.notNull())
    .addColumn("lease", text)
    .addColumn("leased_until", time)
    .addColumn("reply", text)
    .addColumn("created_at", time, (column) => column.notNull())
    .addColumn("finished_at", time)
    .execute();
  await db.schema.createIndex("outbox_due").on("outbox").columns(["state", "due_at"]).execute();
  await db.schema.createIndex("outbox_recipient").on("outbox").column("recipient").execute();
  await db.schema
    .createTable("captured_mails")
    .addColumn("id", text, (column) => column.primaryKey())
    .addColumn("mail", text, (column) => column.notNull())
    .addColumn("recipient", text, (column) => column.notNull())
    .addColumn("message", text, (column) => column.notNull())
    .addColumn("at", time, (column) => column.notNull())
    .execute();
  await db.schema.createIndex("captured_mails_at").on("captured_mails").columns(["at", "id"]).execute();
}

async function createSigningKeys({ db, text, integer, time }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("signing_keys")
    .addColumn("kid", text, (column) => column.primaryKey())
    .addColumn("algorithm", text, (column) => column.notNull())
    .addColumn("generation", integer, (column) => column.notNull())
    .addColumn("private_key", text, (column) => column.notNull())
    .addColumn("public_key", text, (column) => column.notNull())
    .addColumn("created_at", time, (column) => column.notNull())
    .addColumn("signs_from", time)
    .addColumn("retires_at", time)
    .execute();
  await db.schema
    .createIndex("signing_keys_generation")
    .unique()
    .on("signing_keys")
    .columns(["algorithm", "generation"])
    .execute();
}

async function addUnconfirmed({ db, time }: MigrationTools): Promise<void> {
  await db.schema.alterTable("accounts").addColumn("unconfirmed_until", time).execute();
  await db.schema
    .createIndex("accounts_unconfirmed_until")
    .on("accounts")
    .column("unconfirmed_until")
    .execute();
}

async function createTrail({ db, text, integer, time, json }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("audit")
    .addColumn("id", text, (column) => column.primaryKey())
    .addColumn("at", time, (column) => column.notNull())
    .addColumn("event", text, (column) => column.notNull())
    // No foreign key: what happened to an account is still true when the account is gone.
    .addColumn("account_id", text)
    .addColumn("address", text, (column) => column.notNull())
    .addColumn("user_agent", text, (column) => column.notNull())
    .addColumn("request_id", text, (column) => column.notNull())
    .addColumn("details", json, (column) => column.notNull())
    .execute();
  await db.schema.createIndex("audit_at").on("audit").columns(["at", "id"]).execute();
  await db.schema.createIndex("audit_account").on("audit").columns(["account_id", "at"]).execute();
  await db.schema
    .createTable("limits")
    .addColumn("key", text, (column) => column.primaryKey())
    .addColumn("count", integer, (column) => column.notNull())
    .addColumn("resets_at", time, (column) => column.notNull())
    .execute();
  await db.schema.createIndex("limits_resets_at").on("limits").column("resets_at").execute();
  await db.schema
    .createTable("facts")
    .addColumn("name", text, (column) => column.primaryKey())
    .addColumn("value", text, (column) => column.notNull())
    .execute();
}

async function createNodes({ db, text, time, json }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("nodes")
    .addColumn("id", text, (column) => column.primaryKey())
    .addColumn("settings", json, (column) => column.notNull())
    .addColumn("seen_at", time, (column) => column.notNull())
    .execute();
}

async function addMailTurns({ db, text, integer }: MigrationTools): Promise<void> {
  // A node of the release before fills these in by their defaults, and sends in the order of arrival.
  const table = () => db.schema.alterTable("outbox");
  await table()
    .addColumn("priority", integer, (column) => column.notNull().defaultTo(1))
    .execute();
  await table()
    .addColumn("turn", integer, (column) => column.notNull().defaultTo(1))
    .execute();
  await table().addColumn("caused_by", text).execute();
  await table()
    .addColumn("cut_off", integer, (column) => column.notNull().defaultTo(0))
    .execute();
  // Of the mail that waits alone, so that they stay small; and not by its state, for which there is an older index.
  const waiting = sql<boolean>`finished_at is null`;
  const indexes = {
    outbox_turns: ["priority", "turn", "due_at"],
    outbox_turns_recipient: ["recipient", "priority", "turn"],
    outbox_turns_cause: ["caused_by", "priority", "turn"],
    outbox_leases: ["leased_until"],
  };
  for (const [name, columns] of Object.entries(indexes))
    await db.schema.createIndex(name).on("outbox").columns(columns).where(waiting).execute();
}

async function addHeldGuesses({ db, integer, time }: MigrationTools): Promise<void> {
  await db.schema
    .alterTable("limits")
    .addColumn("held", integer, (column) => column.notNull().defaultTo(0))
    .execute();
  await db.schema.alterTable("limits").addColumn("held_until", time).execute();
}

async function addDeviceEpoch({ db, integer }: MigrationTools): Promise<void> {
  await db.schema
    .alterTable("accounts")
    .addColumn("device_epoch", integer, (column) => column.notNull().defaultTo(0))
    .execute();
}

async function addRenewedSessions({ db, integer }: MigrationTools): Promise<void> {
  await db.schema.alterTable("sessions").addColumn("renewed_at_counter", integer).execute();
}

async function createSignInPlaces({ db, text, integer, time }: MigrationTools): Promise<void> {
  await db.schema
    .createTable("sign_in_places")
    .addColumn("place", text, (column) => column.primaryKey())
    .addColumn("account_id", text, (column) => column.notNull().references("accounts.id").onDelete("cascade"))
    .addColumn("sessions", integer, (column) => column.notNull())
    .addColumn("seen_at", time, (column) => column.notNull())
    .execute();
  await db.schema.createIndex("sign_in_places_account").on("sign_in_places").column("account_id").execute();
  await db.schema.createIndex("sign_in_places_seen_at").on("sign_in_places").column("seen_at").execute();
}
