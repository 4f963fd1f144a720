/** What the keys do at a development server's terminal. */

import type { Context } from "../core/context.ts";
import { createUser } from "../features/administration/flow.ts";
import { readNewUser } from "../features/administration/form.ts";
import { toBase64Url } from "../platform/encoding.ts";
import { openBrowser } from "./browser.ts";
import { explain } from "./explain.ts";
import { happening, type Write } from "./happenings.ts";
import { interrupt, type Keyboard, type KeyTerminal, openKeyboard } from "./keyboard.ts";
import { paint } from "./output.ts";

const keyNames = {
  o: "reference",
  m: "mailbox",
  u: "add test user",
  "?": "help",
  q: "quit",
} as const;

type KeyName = keyof typeof keyNames;

/** What the last line of a start says of them: "o reference   m mailbox   …". */
export function describeKeys(hasMailbox: boolean): string {
  const names = Object.entries(keyNames).filter(([key]) => hasMailbox || key !== "m");
  return names.map((pair) => pair.join(" ")).join("   ");
}

interface Key {
  readonly does: string;
  readonly press: () => void | Promise<void>;
}

interface Use {
  /** The context of the person at the keyboard. */
  readonly ctx: Context;
  readonly hasMailbox: boolean;
  readonly write: Write;
}

/** Lets the keys work until the keyboard is closed. */
export function openKeys(use: Use, terminal?: KeyTerminal): Keyboard {
  const keys = listKeys(use);
  return openKeyboard((pressed) => {
    const key = keys.get(pressed);
    if (key) void run(key, use.write);
    else if (pressed === "\r") use.write("");
  }, terminal);
}

async function run({ press }: Key, write: Write): Promise<void> {
  try {
    await press();
  } catch (error) {
    write(`  ${paint("red")("✗")} ${explain(error).message}`);
  }
}

function listKeys({ ctx, hasMailbox, write }: Use): ReadonlyMap<string, Key> {
  const { publicUrl } = ctx.config;
  const open = (what: string, path: string): Key => ({
    does: `open ${what}, ${publicUrl}${path}`,
    press: () => openBrowser(publicUrl + path, (text) => write(`  ${text}`)),
  });
  const all: Readonly<Record<KeyName, Key>> = {
    o: open("the API's reference", referencePath),
    m: open("the mailbox", mailboxPath),
    u: {
      does: "add a user who can sign in at once, and show the password this once",
      press: async () => write(testUserLine(ctx, await addTestUser(ctx))),
    },
    "?": { does: "show this", press: () => showHelp(keys, write) },
    q: { does: "stop the server, as Ctrl-C does", press: interrupt },
  };
  const keys = new Map(Object.entries(all).filter(([key]) => hasMailbox || key !== "m"));
  return keys;
}

/** The pages to begin with. */
export const referencePath = "/_/docs/";
export const mailboxPath = "/_/mailbox/";

function showHelp(keys: ReadonlyMap<string, Key>, write: Write): void {
  for (const [key, { does }] of keys) write(`  ${paint("bold")(key)}  ${does}`);
}

interface TestUser {
  readonly email: string;
  readonly password: string;
}

/** A verified account with an address of a domain that is nobody's (RFC 2606). Throws FieldsInvalid, ValuesTaken. */
export async function addTestUser(ctx: Context): Promise<TestUser> {
  const username = `test-${Buffer.from(ctx.randomBytes(3)).toString("hex")}`;
  const chosen = { email: `${username}@example.com`, password: toBase64Url(ctx.randomBytes(12)) };
  await createUser(ctx, await readNewUser(ctx, { ...chosen, username }), { isVerified: true });
  return chosen;
}

const testUserLine = (ctx: Context, { email, password }: TestUser) =>
  happening(ctx.now(), paint("green")("●"), [`test user ${email}`, `password ${password}`]);
