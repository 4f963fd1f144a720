/** imagaine-auth migrate: brings the database up to date, or says how far it is. */

import { Argument, type Command } from "commander";
import { record } from "../core/events/events.ts";
import { databaseWasMigrated } from "../core/migrations.ts";
import { type Call, callOf } from "./flags.ts";
import { addCommand } from "./help.ts";
import { openForMigrating, withDatabase } from "./system.ts";

export function addMigrate(program: Command): void {
  addCommand(program, {
    name: "migrate",
    sentence: "Bring the database up to date, or say how far it is",
    examples: [
      "imagaine-auth migrate",
      "imagaine-auth migrate status",
      "imagaine-auth migrate status --json",
    ],
  })
    .addArgument(
      new Argument("[what]", "up, or status, which changes nothing").choices(["up", "status"]).default("up"),
    )
    .action((what: string, _options: unknown, command: Command) =>
      what === "status" ? showStatus(callOf(command)) : migrateUp(callOf(command)),
    );
}

async function migrateUp({ flags, out }: Call): Promise<void> {
  await openForMigrating(flags, async ({ auth, ctx, created }) => {
    for (const file of created) out.note(`created ${file}`);
    const applied = await auth.migrate();
    if (applied.length > 0) await record(ctx, databaseWasMigrated, null, { migrations: applied.length });
    if (out.isJson) out.document({ applied });
    else for (const name of applied) out.line(name);
    if (applied.length === 0) out.note("The database is up to date.");
  });
}

async function showStatus({ flags, out }: Call): Promise<void> {
  await withDatabase(flags, async ({ auth }) => {
    const pending = await auth.pendingMigrations();
    const applied = await auth.appliedMigrations();
    if (out.isJson) {
      out.document({
        applied: applied.map(({ name, appliedAt }) => ({ name, applied_at: appliedAt })),
        pending,
      });
      return;
    }
    const rows = [
      ...applied.map(({ name, appliedAt }) => ({ name, state: "applied", at: out.time(appliedAt) })),
      ...pending.map((name) => ({ name, state: "pending", at: out.time(null) })),
    ];
    out.table(
      [
        { title: "MIGRATION", value: (row) => row.name },
        { title: "STATE", value: (row) => row.state },
        { title: "SINCE", value: (row) => row.at },
      ],
      rows,
    );
    if (pending.length > 0) out.note("next: imagaine-auth migrate");
  });
}
