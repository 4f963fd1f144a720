/** Whatever ends a session ends it at once, on every route that asks who is calling; the routes come from the system. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { AnyEndpoint } from "../../platform/http/endpoint.ts";
import type { Person } from "../../testing/people.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, payloadOf, refresh, sign } from "../../testing/tokens.ts";
import { disableAccount } from "../accounts/disabling.ts";
import type { UserFields } from "../accounts/fields.ts";
import type { Context } from "../context.ts";

// Every field that switches a route on.
const fields: UserFields = { preferences: { type: "json", default: {} } };
const newPassword = "A-Newer-Harbour-9";

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** The routes that only somebody who is signed in may call. */
function protectedRoutes(t: TestAuth): readonly AnyEndpoint<Context>[] {
  const routes = t.ctx.additions.endpoints.filter((one) => one.access.needsToken);
  assert.ok(routes.length >= 9, "the list of routes is not found any more");
  return routes;
}

async function call(t: TestAuth, { method, path }: AnyEndpoint<Context>, token?: string) {
  const url = path.replace(/:[a-z_]+/g, "00000000-0000-4000-8000-000000000000");
  const options = token === undefined ? {} : { token };
  return method === "get" ? t.http.get(url, options) : t.http[method](url, {}, options);
}

async function checkDead(t: TestAuth, { access, refresh: token }: Tokens, status = 401): Promise<void> {
  for (const route of protectedRoutes(t)) {
    const answer = await call(t, route, access);
    const about = `${route.method} ${route.path}`;
    assert.equal(answer.status, status, about);
    assert.ok(["token_not_valid", "user_not_found", "user_inactive"].includes(answer.body.code), about);
  }
  for (const one of [access, token]) assert.equal(await isGood(t, one), false);
  assert.equal((await refresh(t, token)).status, 401);
}

async function checkAlive(t: TestAuth, { access, refresh: token }: Tokens): Promise<void> {
  for (const one of [access, token]) assert.equal(await isGood(t, one), true);
  assert.equal((await t.http.get("/api/auth/profile/", { token: access })).status, 200);
}

interface Ending {
  readonly end: (t: TestAuth, ada: Person, here: Tokens) => Promise<unknown>;
  readonly kills: readonly ("here" | "there")[];
}

const post = (t: TestAuth, path: string, body: unknown, token: string) =>
  t.http.post(path, body, { token }).then((answer) => assert.equal(answer.status, 200, answer.text));

const endings: Readonly<Record<string, Ending>> = {
  "signing out": {
    end: (t, _ada, { access }) => post(t, "/api/auth/logout/", {}, access),
    kills: ["here"],
  },
  "signing the others out": {
    end: (t, _ada, { access }) => post(t, "/api/auth/logout/", { scope: "others" }, access),
    kills: ["there"],
  },
  "signing out everywhere": {
    end: (t, _ada, { access }) => post(t, "/api/auth/logout/", { scope: "all" }, access),
    kills: ["here", "there"],
  },
  "ending the session from the list": {
    end: (t, _ada, { access }) =>
      t.http.delete(`/api/auth/sessions/${payloadOf(access).sid}/`, undefined, { token: access }),
    kills: ["here"],
  },
  "a password reset": {
    end: async (t, ada) => {
      await t.auth.passwordReset.request(ada.email);
      await t.auth.passwordReset.complete(await t.linkToken("reset-password", ada.email), newPassword);
    },
    kills: ["here", "there"],
  },
  "a password change": {
    end: async (t, ada, { access }) => {
      const chosen = { new_password: newPassword, new_password_confirm: newPassword };
      const body = { current_password: ada.password, ...chosen };
      const answer = await t.http.post("/api/auth/password/change/", body, { token: access });
      assert.equal(answer.status, 200, answer.text);
      return { access, refresh: answer.body.refresh };
    },
    kills: ["there"],
  },
  "disabling the account": {
    end: (t, _ada, { access }) => disableAccount(t.ctx, payloadOf(access).user_id),
    kills: ["here", "there"],
  },
  "deleting the account": {
    end: (t, ada, { access }) =>
      t.http.delete("/api/auth/account/", { password: ada.password }, { token: access }),
    kills: ["here", "there"],
  },
  "the reuse of a token": {
    end: async (t, _ada, { refresh: token }) => {
      await refresh(t, (await refresh(t, token)).body.refresh);
      await refresh(t, token);
    },
    kills: ["here"],
  },
};

describe("on every route for somebody who is signed in, and at token/verify,", () => {
  for (const [what, { end, kills }] of Object.entries(endings)) {
    it(`${what} counts at once`, async () => {
      await using t = await testAuth({ fields });
      const [ada, bob] = [await t.person(), await t.person()];
      const sessions = { here: await ada.signIn(), there: await ada.signIn() };
      const his = await bob.signIn();
      // What goes on may go on with other tokens.
      sessions.here = { ...sessions.here, ...Object(await end(t, ada, sessions.here)) };
      for (const [name, tokens] of Object.entries(sessions)) {
        if (kills.some((killed) => killed === name)) await checkDead(t, tokens);
        else await checkAlive(t, tokens);
      }
      await checkAlive(t, his);
    });
  }

  it("the end of the session's time counts at once, whatever the access token says", async () => {
    await using t = await testAuth({
      fields,
      environment: { SESSION_LIFETIME: "10m", ACCESS_TOKEN_LIFETIME: "1h" },
    });
    const tokens = await (await t.person()).signIn();
    t.clock.advance("10m");
    await checkDead(t, tokens);
    // A token that claims to last longer than its session.
    const stretched = sign({ ...payloadOf(tokens.access), exp: payloadOf(tokens.access).exp + 3600 });
    await checkDead(t, { ...tokens, access: stretched });
  });

  it("a session that never was lets nobody in, nor somebody else's session", async () => {
    await using t = await testAuth({ fields });
    const [ada, bob] = [await (await t.person()).signIn(), await (await t.person()).signIn()];
    const claims = payloadOf(ada.access);
    const forged = [
      { ...claims, sid: "00000000-0000-4000-8000-000000000000" },
      { ...claims, sid: payloadOf(bob.access).sid },
      { ...claims, user_id: payloadOf(bob.access).user_id },
      { ...claims, user_id: "00000000-0000-4000-8000-000000000000" },
    ];
    for (const one of forged) {
      const access = sign(one);
      for (const route of protectedRoutes(t)) assert.equal((await call(t, route, access)).status, 401);
      assert.equal(await isGood(t, access), false);
    }
  });

  it("a token of simplejwt is dead after its account signed out everywhere", async () => {
    await using t = await testAuth({ fields });
    const { access } = await (await t.person()).signIn();
    const token = foreignToken(t, "access", payloadOf(access).user_id);
    assert.equal(await isGood(t, token), true);
    await t.http.post("/api/auth/logout/", { scope: "all" }, { token: access });
    for (const route of protectedRoutes(t)) assert.equal((await call(t, route, token)).status, 401);
    assert.equal(await isGood(t, token), false);
  });

  it("no token at all is told so, and nothing is looked at before", async () => {
    await using t = await testAuth({ fields });
    for (const route of protectedRoutes(t)) {
      const answer = await call(t, route);
      assert.deepEqual(
        [answer.status, answer.body],
        [401, { detail: "Authentication credentials were not provided." }],
      );
    }
  });
});
