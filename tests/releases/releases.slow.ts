/** The release before and the next one serve one database beside each other, and start again in any order. */

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Box, openBox, type RunningServer } from "../../packages/server/src/testing/command-line.ts";
import {
  createDatabase,
  type PostgresServer,
  startPostgres,
} from "../../packages/server/src/testing/postgres.ts";
import { testSecret } from "../../packages/server/src/testing/test-auth.ts";
import { type Release, unpackReleases } from "./release.ts";

const additive = "2999-01-01-additive";
const breaking = "2999-01-02-breaking";
const reason = "accounts live in a table of another name";
const password = "securepassword123";
/** For a server to start, beside others. */
const patience = 120_000;

interface Nodes extends AsyncDisposable {
  /** Starts it, or starts it again. */
  readonly start: (which: Which, env?: Readonly<Record<string, string>>) => Promise<RunningServer>;
  readonly stop: (which: Which) => Promise<void>;
  /** A command of the older release. */
  readonly command: (...args: string[]) => ReturnType<Box["runAlone"]>;
}

type Which = "older" | "next";

/** Both releases on one empty database, neither of them started. */
async function openNodes(release: Release, databaseUrl?: string): Promise<Nodes> {
  const older = await openBox({ program: release.program, patience });
  const next = await openBox({ program: join(import.meta.dirname, "next-process.ts"), patience });
  const boxes = { older, next };
  const env = {
    SECRET_KEY: testSecret,
    JWT_ISSUER: "https://auth.example.com",
    RATE_LIMITS: "off",
    DATABASE_URL: databaseUrl ?? `sqlite:${join(older.folder, "auth.db")}`,
  };
  const running: Partial<Record<Which, RunningServer>> = {};
  return {
    start: async (which, more = {}) => {
      const server = await boxes[which].serve([], { env: { ...env, ...more } });
      running[which] = server;
      return server;
    },
    stop: async (which) => {
      const [code] = (await running[which]?.stop()) ?? [];
      assert.equal(code, 0, `${which} stops in order`);
    },
    command: (...args) => older.runAlone(args, { env }),
    [Symbol.asyncDispose]: async () => {
      for (const box of [older, next]) await box[Symbol.asyncDispose]();
    },
  };
}

let people = 0;

/** Everything of a person's day, each step on the other of two nodes. */
async function liveOn(one: RunningServer, other: RunningServer): Promise<void> {
  people += 1;
  const email = `person-${people}@example.com`;
  const call = async (node: RunningServer, path: string, body: object, expected: number) => {
    const answer = await node.post(`/api/auth/${path}`, body);
    const text = await answer.text();
    assert.equal(answer.status, expected, `${path} of ${email}: ${text}`);
    return JSON.parse(text) as Record<string, string>;
  };
  const profile = async (node: RunningServer, access = "") => {
    const headers = { authorization: `Bearer ${access}` };
    return (await fetch(new URL("/api/auth/profile/", node.url), { headers })).status;
  };
  const mailed = async (node: RunningServer, template: string) => {
    const query = `to=${email}&template=${template}&wait=10s`;
    const answer = await fetch(new URL(`/_/mailbox/api/messages/?${query}`, node.url));
    const { messages } = (await answer.json()) as { messages: { code: string; link: string }[] };
    assert.ok(messages[0], `${template} for ${email}`);
    return { code: messages[0].code, token: messages[0].link.split("/").at(-2) ?? "" };
  };
  const names = { username: `person${people}`, first_name: "", last_name: "" };
  await call(one, "register/", { email, ...names, password, password2: password }, 201);
  const { code } = await mailed(other, "verify-email");
  await call(other, "verify-email/", { email, code }, 200);
  let tokens = await call(one, "login/", { email, password }, 200);
  for (const node of [other, one, other]) {
    assert.equal(await profile(node, tokens.access), 200);
    tokens = await call(node, "token/refresh/", { refresh: tokens.refresh }, 200);
  }
  await call(one, "password/reset/request/", { email }, 200);
  const { token } = await mailed(one, "reset-password");
  const chosen = { token, new_password: `${password}4`, new_password_confirm: `${password}4` };
  await call(other, "password/reset/confirm/", chosen, 200);
  assert.equal(await profile(one, tokens.access), 401, "the reset ended the session on both");
  const last = await call(one, "login/", { email, password: `${password}4` }, 200);
  await call(other, "logout/", { refresh: last.refresh }, 200);
  await call(one, "token/refresh/", { refresh: last.refresh }, 401);
}

const liveOnBoth = async (older: RunningServer, next: RunningServer) => {
  await liveOn(older, next);
  await liveOn(next, older);
};

/** A warning line that names the migration. */
const warns = (server: RunningServer) =>
  server.lines.filter((line) => line.includes('"level":"warn"') && line.includes(additive)).length;

function describeOn(engine: string, release: Release, makeDatabase: () => Promise<string | undefined>): void {
  describe(`the release before and the next one on ${engine}`, () => {
    it("serve the same people, in whatever order they start, stop and start again", async () => {
      await using nodes = await openNodes(release, await makeDatabase());
      let older = await nodes.start("older");
      await liveOn(older, older);
      let next = await nodes.start("next");
      await liveOnBoth(older, next);

      await nodes.stop("older");
      older = await nodes.start("older");
      assert.equal(warns(older), 1, older.lines.join("\n"));
      await liveOnBoth(older, next);

      await nodes.stop("next");
      await liveOn(older, older);
      next = await nodes.start("next");
      await liveOnBoth(older, next);

      for (const which of ["next", "older"] as const) await nodes.stop(which);
      older = await nodes.start("older");
      await liveOn(older, older);
      next = await nodes.start("next");
      await liveOnBoth(older, next);

      const listed = await nodes.command("user", "list");
      assert.equal(listed.code, 0, listed.err);
      assert.match(listed.out, /person-\d+@example\.com/);
      assert.match(listed.err, new RegExp(additive));
      const status = await nodes.command("migrate", "status", "--json");
      assert.equal(status.code, 0, status.err);
      assert.ok(
        (JSON.parse(status.out) as { applied: { name: string }[] }).applied.some(
          (one) => one.name === additive,
        ),
      );
    });

    it("part where the next one says that it breaks the one before, with its reason", async () => {
      await using nodes = await openNodes(release, await makeDatabase());
      await nodes.start("next", { NEXT_BREAKS: reason });
      for (const args of [["serve", "--port", "0"], ["user", "list"], ["migrate"]]) {
        const { code, err } = await nodes.command(...args);
        assert.equal(code, 78, err);
        assert.ok(err.includes(`${breaking} (${reason})`), err);
      }
    });
  });
}

const releases = await unpackReleases();
let postgres: PostgresServer;
before(async () => {
  postgres = await startPostgres();
});
after(async () => {
  await postgres.stop();
  for (const release of releases) await release[Symbol.asyncDispose]();
});

for (const release of releases) {
  describe(release.name, () => {
    describeOn("SQLite", release, async () => undefined);
    describeOn("PostgreSQL", release, () => createDatabase(postgres.url));
  });
}
