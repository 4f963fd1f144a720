/** imagaine-auth user: make, look up and change other people's accounts. */

import { type Command, InvalidArgumentError } from "commander";
import type { Account } from "../core/accounts/accounts.ts";
import type { Context } from "../core/context.ts";
import { listSessions } from "../core/sessions/sessions.ts";
import {
  deleteUser,
  disableUser,
  enableUser,
  findUser,
  listUsers,
  setUserPassword,
  verifyUser,
} from "../features/administration/flow.ts";
import { CommandFailed, exitCodes } from "./exit.ts";
import { type Call, callOf, readLimit } from "./flags.ts";
import { addCommand } from "./help.ts";
import { facts, paint, type Style } from "./output.ts";
import { choosePasswordSource, confirm } from "./prompt.ts";
import { type Opened, withSystem } from "./system.ts";
import { addUserCreate } from "./user-create.ts";
import { presentAccount, type Status, statusOf } from "./user-present.ts";
import { visible } from "./visible.ts";

const who = "its id, e-mail address or username";

export function addUser(program: Command): void {
  const user = addCommand(program, {
    name: "user",
    sentence: "Make, look up and change other people's accounts",
    examples: [
      "imagaine-auth user create ada@example.org",
      "imagaine-auth user list --search example.org",
      "imagaine-auth user disable ada@example.org",
    ],
  });
  addUserCreate(user);
  addList(user);
  addShow(user);
  addChange(user, "disable", "Shut an account, and sign it out everywhere at once", {
    change: (ctx, { id }) => disableUser(ctx, id),
    said: ["is disabled, and signed out everywhere", "was disabled already"],
  });
  addChange(user, "enable", "Let an account that was shut sign in again", {
    change: (ctx, { id }) => enableUser(ctx, id),
    said: ["may sign in again", "was not disabled"],
  });
  addChange(user, "verify", "Let an e-mail address count as verified", {
    change: (ctx, { id }) => verifyUser(ctx, id),
    said: ["is verified", "was verified already"],
  });
  addSetPassword(user);
  addDelete(user);
}

/** Throws, with the code for "not found", when there is no such account. */
async function getUser({ ctx }: Opened, name: string): Promise<Account> {
  const account = await findUser(ctx, name);
  if (account) return account;
  throw new CommandFailed(
    `There is no account \`${visible(name)}\`.\n  see  imagaine-auth user list --search …`,
    exitCodes.notFound,
  );
}

interface Change {
  /** Whether it changed anything. */
  readonly change: (ctx: Context, account: Account) => Promise<boolean>;
  readonly said: readonly [changed: string, unchanged: string];
}

function addChange(user: Command, name: string, sentence: string, { change, said }: Change): void {
  addCommand(user, {
    name,
    sentence,
    examples: [
      `imagaine-auth user ${name} ada@example.org`,
      `imagaine-auth user ${name} ada --json`,
      `imagaine-auth user ${name} 0b0e7a3c-5d0f-4f5e-9a53-0c8f6f2d7a11 --quiet`,
    ],
  })
    .argument("<user>", who)
    .action(async (named: string, _options: unknown, command: Command) => {
      const { flags, out } = callOf(command);
      await withSystem(flags, async (opened) => {
        const account = await getUser(opened, named);
        const isChanged = await change(opened.ctx, account);
        const now = await getUser(opened, account.id);
        if (out.isJson) out.document({ changed: isChanged, user: presentAccount(opened.ctx, now) });
        else if (out.isQuiet) out.line(account.id);
        else out.line(`${visible(account.email)} ${isChanged ? said[0] : said[1]}.`);
      });
    });
}

interface ListOptions {
  readonly search?: string;
  readonly limit: number;
  readonly after?: { readonly createdAt: Date; readonly id: string };
}

function addList(user: Command): void {
  addCommand(user, {
    name: "list",
    sentence: "List accounts, the newest first",
    examples: [
      "imagaine-auth user list",
      "imagaine-auth user list --search silva --limit 10",
      "imagaine-auth user list --json",
    ],
  })
    .option("--search <text>", "a part of the e-mail address or username")
    .option("--limit <number>", "accounts at the most, up to 1000", readLimit, 50)
    .option("--after <place>", "where an earlier list said that it goes on", readCursor)
    .action((options: ListOptions, command: Command) => list(callOf(command), options));
}

const statusStyles: Readonly<Record<Status, Style>> = {
  active: "green",
  unverified: "yellow",
  disabled: "red",
};

async function list({ flags, out }: Call, options: ListOptions): Promise<void> {
  await withSystem(flags, async ({ ctx }) => {
    const { users, total, next } = await listUsers(ctx, options);
    const place = next && `${next.createdAt.getTime()}.${next.id}`;
    if (out.isJson) {
      const listed = users.map((one) => presentAccount(ctx, one));
      return out.document({ users: listed, total, next: place ?? null });
    }
    if (out.isQuiet) return users.forEach(({ id }) => out.line(id));
    out.table<Account>(
      [
        { title: "EMAIL", value: ({ email }) => email, mayShrink: true },
        { title: "USERNAME", value: ({ username }) => username, mayShrink: true },
        { title: "STATUS", value: statusOf, paint: (user) => paint(statusStyles[statusOf(user)]) },
        { title: "LAST SIGN-IN", value: ({ lastSignInAt }) => out.time(lastSignInAt, "never") },
        { title: "CREATED", value: ({ createdAt }) => out.time(createdAt) },
        { title: "ID", value: ({ id }) => id, mayGo: true },
      ],
      users,
    );
    const search = options.search ? ` --search '${visible(options.search)}'` : "";
    out.note(
      `${users.length} of ${total}${place ? ` · next: imagaine-auth user list${search} --after ${place}` : ""}`,
    );
  });
}

function readCursor(text: string): ListOptions["after"] {
  const [, at, id] = /^(\d{1,15})\.([0-9a-f-]{36})$/.exec(text) ?? [];
  if (at === undefined || id === undefined) throw new InvalidArgumentError("Take it from an earlier list.");
  return { createdAt: new Date(Number(at)), id };
}

function addShow(user: Command): void {
  addCommand(user, {
    name: "show",
    sentence: "Show an account, its fields and where it is signed in",
    examples: [
      "imagaine-auth user show ada@example.org",
      "imagaine-auth user show ada",
      "imagaine-auth user show ada --json",
    ],
  })
    .argument("<user>", who)
    .action((name: string, _options: unknown, command: Command) => show(callOf(command), name));
}

async function show({ flags, out }: Call, name: string): Promise<void> {
  await withSystem(flags, async (opened) => {
    const account = await getUser(opened, name);
    const sessions = await listSessions(opened.ctx, account.id);
    const shown = presentAccount(opened.ctx, account);
    if (out.isJson) return out.document({ user: { ...shown, sessions: sessions.length } });
    if (out.isQuiet) return out.line(account.id);
    facts(out, [
      ["id", account.id],
      ["email", account.email],
      ["username", account.username],
      ["status", statusOf(account)],
      ["password", account.passwordHash === null ? "none" : "set"],
      ["verified", out.time(account.verifiedAt, "no")],
      ["disabled", out.time(account.disabledAt, "no")],
      ["created", out.time(account.createdAt)],
      ["last sign-in", out.time(account.lastSignInAt, "never")],
      ["sessions", String(sessions.length)],
      ...Object.entries(account.fields).map(([field, value]) => [field, showValue(value)] as const),
    ]);
  });
}

const showValue = (value: unknown) =>
  typeof value === "string" ? value : value === null ? "–" : JSON.stringify(value);

function addSetPassword(user: Command): void {
  addCommand(user, {
    name: "set-password",
    sentence: "Set another password, sign the account out everywhere, and tell its owner by mail",
    examples: [
      "imagaine-auth user set-password ada@example.org",
      "imagaine-auth user set-password ada --password-stdin < password.txt",
      "imagaine-auth user set-password ada --password-stdin --json < password.txt",
    ],
  })
    .argument("<user>", who)
    .option("--password-stdin", "the password is on standard input", false)
    .action(async (name: string, options: { readonly passwordStdin: boolean }, command: Command) => {
      const { flags, out } = callOf(command);
      const readPassword = choosePasswordSource(options.passwordStdin);
      await withSystem(flags, async (opened) => {
        const account = await getUser(opened, name);
        await setUserPassword(opened.ctx, account.id, await readPassword());
        const now = await getUser(opened, account.id);
        if (out.isJson) out.document({ changed: true, user: presentAccount(opened.ctx, now) });
        else if (out.isQuiet) out.line(account.id);
        else out.line(`${visible(account.email)} has another password, and is signed out everywhere.`);
      });
    });
}

function addDelete(user: Command): void {
  addCommand(user, {
    name: "delete",
    sentence: "Delete an account and everything that belongs to it, for good",
    examples: [
      "imagaine-auth user delete ada@example.org",
      "imagaine-auth user delete ada@example.org --yes",
      "imagaine-auth user delete ada --yes --json",
    ],
  })
    .argument("<user>", who)
    .action(async (name: string, _options: unknown, command: Command) => {
      const { flags, out } = callOf(command);
      await withSystem(flags, async (opened) => {
        const account = await getUser(opened, name);
        await confirm(`Delete ${visible(account.email)} (${account.id}) for good?`, flags.yes);
        await deleteUser(opened.ctx, account.id);
        if (out.isJson) out.document({ changed: true, user: presentAccount(opened.ctx, account) });
        else if (out.isQuiet) out.line(account.id);
        else out.line(`${visible(account.email)} is deleted, with everything that belonged to it.`);
      });
    });
}
