/** A server killed between an answer and the next call: what was revoked, consumed or counted stays so. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { type Box, openBox, type RunningServer } from "./testing/command-line.ts";

const email = "user@example.com";
const password = "securepassword123";
const next = "newsecurepassword123";

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** Each start takes a free port; tokens name their issuer, which must be the same one after it. */
const options = { env: { JWT_ISSUER: "https://auth.example.com" } };

/** A server that can be killed and started again, with one verified account. */
async function openKillable(box: Box) {
  let server: RunningServer = await box.serve([], options);
  const call = async (path: string, body: unknown, key?: string) => {
    const answer = await fetch(new URL(`/api/auth/${path}`, server.url), {
      method: "POST",
      headers: { "content-type": "application/json", ...(key ? { "idempotency-key": key } : {}) },
      body: JSON.stringify(body),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, string> };
  };
  const mail = async (template: string) => {
    const query = `to=${email}&template=${template}&wait=5s`;
    const answer = await fetch(new URL(`/_/mailbox/api/messages/?${query}`, server.url));
    const { messages } = (await answer.json()) as { messages: { code: string; link: string }[] };
    return messages[0] ?? { code: "", link: "" };
  };
  const killable = {
    call,
    mail,
    kill: async () => {
      await server.stop("SIGKILL");
      server = await box.serve([], options);
    },
    /** Opens the link of the newest mail that has one. */
    verify: async () => {
      const { link } = await mail("verify-email");
      return (await call(`verify-email/${new URL(link).pathname.split("/")[2]}/`, {})).status;
    },
    login: (with_ = password) => call("login/", { email, password: with_ }),
    signIn: async () => (await call("login/", { email, password })).body as unknown as Tokens,
    profile: async (access: string) => {
      const headers = { authorization: `Bearer ${access}` };
      return (await fetch(new URL("/api/auth/profile/", server.url), { headers })).status;
    },
  };
  const names = { username: "user123", first_name: "", last_name: "" };
  await call("register/", { email, ...names, password, password2: password });
  return killable;
}

describe("a server killed right after an answer", () => {
  it("brings back no code, no link, no session and no password", async () => {
    await using box = await openBox();
    const t = await openKillable(box);

    const { code } = await t.mail("verify-email");
    for (let n = 0; n < 5; n += 1)
      await t.call("verify-email/", { email, code: code === "000000" ? "1" : "000000" });
    await t.kill();
    assert.equal(
      (await t.call("verify-email/", { email, code })).status,
      400,
      "the code is dead after five tries",
    );
    assert.equal(await t.verify(), 200);
    await t.kill();

    const first = await t.signIn();
    const second = (await t.call("token/refresh/", { refresh: first.refresh })).body as unknown as Tokens;
    await t.kill();
    assert.equal(await t.profile(second.access), 200);
    const third = (await t.call("token/refresh/", { refresh: second.refresh })).body as unknown as Tokens;
    assert.equal((await t.call("token/refresh/", { refresh: first.refresh })).status, 401, "two behind");
    await t.kill();
    for (const { access, refresh } of [second, third]) {
      assert.equal(await t.profile(access), 401, "the session ended with the reuse");
      assert.equal((await t.call("token/refresh/", { refresh })).status, 401);
    }

    const other = await t.signIn();
    assert.equal((await t.call("logout/", { refresh: other.refresh })).status, 200);
    await t.kill();
    assert.equal(await t.profile(other.access), 401);

    await t.call("password/reset/request/", { email });
    const token = new URL((await t.mail("reset-password")).link).pathname.split("/")[2];
    const chosen = { token, new_password: next, new_password_confirm: next };
    assert.equal((await t.call("password/reset/confirm/", chosen)).status, 200);
    await t.kill();
    assert.equal((await t.call("password/reset/confirm/", chosen)).status, 400);
    assert.deepEqual([(await t.login()).status, (await t.login(next)).status], [400, 200]);
  });

  it("has forgotten none of the guesses", async () => {
    await using box = await openBox();
    const t = await openKillable(box);
    for (let n = 0; n < 10; n += 1) {
      assert.equal((await t.login(`a wrong guess ${n}`)).status, 400);
      if (n === 4) await t.kill();
    }
    await t.kill();
    assert.equal((await t.login("a wrong guess too many")).status, 429);
  });
});

describe("a server killed in the middle of refreshes", () => {
  it("signs nobody out: who repeats the call that was lost goes on, and every session is where one call left it", async () => {
    await using box = await openBox();
    const t = await openKillable(box);
    await t.verify();
    const clients = await Promise.all(
      Array.from({ length: 6 }, async (_, index) => ({ ...(await t.signIn()), key: "", index, done: 0 })),
    );
    let isKilled = false;
    const refresh = async (client: (typeof clients)[number]) => {
      const { status, body } = await t.call("token/refresh/", { refresh: client.refresh }, client.key);
      assert.equal(status, 200);
      Object.assign(client, body);
      client.done += 1;
    };
    const goOn = async (client: (typeof clients)[number]) => {
      while (!isKilled) {
        client.key = `attempt-${client.index}-${client.done}-of-a-client`;
        await refresh(client);
      }
    };
    const working = Promise.allSettled(clients.map(goOn));
    while (clients.some(({ done }) => done < 5)) await nextTurn();
    await t.kill();
    isKilled = true;
    await working;
    for (const client of clients) {
      await refresh(client);
      assert.equal(await t.profile(client.access), 200);
    }
    const counters = box.sqlite((file) => file.prepare("select counter from sessions").all());
    assert.equal(counters.length, clients.length);
    assert.equal(box.sqlite((file) => file.prepare("pragma integrity_check").get())?.integrity_check, "ok");
  });
});
