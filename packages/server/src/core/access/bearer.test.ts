/** What counts as an access token at a protected route: one text, in one place, of one kind, in its time. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { foreignToken, isGood, opens, payloadOf, refresh, sign } from "../../testing/tokens.ts";

const path = "/api/auth/profile/";
const withHeader = (t: TestAuth, authorization: string) => t.http.get(path, { headers: { authorization } });

describe("the Authorization header", () => {
  it("is read as the original reads it: one scheme, one token, and it never picks the second", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    const missing = [401, "Authentication credentials were not provided."];
    const malformed = [401, "Authorization header must contain two space-delimited values"];
    const bad = [401, "Given token not valid for any token type"];
    const cases: readonly (readonly [string, readonly unknown[]])[] = [
      [`Bearer ${access}`, [200, undefined]],
      [`  Bearer   ${access}  `, [200, undefined]],
      [`bearer ${access}`, missing],
      [`BEARER ${access}`, missing],
      [`Basic ${access}`, missing],
      [access, missing],
      ["Bearer", malformed],
      [`Bearer ${access} ${access}`, malformed],
      [`Bearer x, Bearer ${access}`, malformed],
      [`Bearer Bearer ${access}`, malformed],
      [`Bearer ${access},x`, bad],
      [`Bearer ${access}=`, bad],
      [`Bearer "${access}"`, bad],
      [`Bearer ${"x".repeat(16_000)}`, bad],
      [`Bearer ${".".repeat(1_000_000)}`, bad],
    ];
    for (const [header, expected] of cases) {
      const { status, body } = await withHeader(t, header);
      assert.deepEqual([status, body.detail], expected, header.slice(0, 40));
    }
  });

  it("is the only place: not the query, a cookie, the body or another header", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    for (const name of ["token", "access_token", "access", "jwt", "authorization"]) {
      const there = [
        t.http.get(`${path}?${name}=${access}`),
        t.http.get(path, { headers: { cookie: `${name}=${access}` } }),
        t.http.get(path, { headers: { [`x-${name.replace("_", "-")}`]: access } }),
        t.http.patch(path, { [name]: access }),
      ];
      for (const { status } of await Promise.all(there)) assert.equal(status, 401);
    }
  });

  it("is not looked at where anybody may call, so that a stale token keeps nobody from signing in", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    for (const authorization of ["Bearer x", "Bearer", "Bearer a b c", "Basic x"])
      assert.equal((await ada.login(ada.password, { headers: { authorization } })).status, 200);
  });
});

describe("a token with a good signature", () => {
  /** A token of somebody's live session, with some claims changed. */
  async function forge(t: TestAuth, changes: Readonly<Record<string, unknown>>): Promise<string> {
    const { access } = await (await t.person()).signIn();
    return sign({ ...payloadOf(access), ...changes });
  }

  it("is good within its time; a clock ahead of ours may be so by 30 seconds", async () => {
    await using t = await testAuth();
    const now = Math.floor(t.clock.now().getTime() / 1000);
    const times: readonly (readonly [Record<string, unknown>, boolean])[] = [
      [{ exp: now + 1 }, true],
      [{ exp: now }, false],
      [{ nbf: now + 30 }, true],
      [{ nbf: now + 31 }, false],
      [{ iat: now + 30 }, true],
      [{ iat: now + 31 }, false],
      ...[undefined, null, String(now + 60), now + 0.5, -1, 0, [now + 60], true, (now + 60) * 1000, 1e20].map(
        (exp) => [{ exp }, false] as const,
      ),
    ];
    for (const [changes, expected] of times) {
      const token = await forge(t, changes);
      assert.equal(await opens(t, token), expected, JSON.stringify(changes));
      assert.equal(await isGood(t, token), expected, JSON.stringify(changes));
    }
  });

  it("is dead by default 15 minutes after it was given", async () => {
    await using t = await testAuth();
    const { access } = await (await t.person()).signIn();
    assert.equal(payloadOf(access).exp - payloadOf(access).iat, 900);
    t.clock.advance(899_999);
    assert.equal(await opens(t, access), true);
    t.clock.advance(1);
    assert.equal(await opens(t, access), false);
    assert.equal(await isGood(t, access), false);
  });

  it("names exactly our issuer, and our audience where there is one", async () => {
    await using t = await testAuth({ environment: { JWT_ISSUER: "https://a.example", JWT_AUDIENCE: "api" } });
    const wrong: readonly Record<string, unknown>[] = [
      ...[
        undefined,
        "https://evil.example",
        "https://a.example/",
        "HTTPS://A.EXAMPLE",
        ["https://a.example"],
      ].map((iss) => ({ iss })),
      ...[undefined, "other", "ap", ["api"], ["api", "other"], "API"].map((aud) => ({ aud })),
    ];
    assert.equal(await opens(t, await forge(t, {})), true);
    for (const changes of wrong) {
      const token = await forge(t, changes);
      assert.equal(await opens(t, token), false, JSON.stringify(changes));
      assert.equal(await isGood(t, token), false, JSON.stringify(changes));
    }
  });

  it("names somebody in the one spelling of their id", async () => {
    await using t = await testAuth();
    const id = payloadOf((await (await t.person()).signIn()).access).user_id;
    for (const user_id of [undefined, null, "", 1, [id], { id }, id.toUpperCase(), id.replaceAll("-", "")]) {
      const token = await forge(t, { user_id });
      assert.equal(await opens(t, token), false, JSON.stringify(user_id));
      assert.equal(await isGood(t, token), false, JSON.stringify(user_id));
      assert.equal(await opens(t, foreignToken(t, "access", "", { user_id })), false);
    }
  });

  it("is of its kind: a refresh token, one of no kind or of a kind unknown opens nothing", async () => {
    await using t = await testAuth();
    for (const token_type of ["refresh", undefined, null, "sliding", "id", "logout", "ACCESS", ["access"]]) {
      const token = await forge(t, { token_type });
      assert.equal(await opens(t, token), false, String(token_type));
      assert.equal((await refresh(t, token)).status, 401);
    }
  });

  it("lends nobody a right that the account does not have", async () => {
    await using t = await testAuth({
      fields: { plan: { type: "text", default: "free", writableBy: "admin" } },
      environment: { TOKEN_CLAIMS: "plan" },
    });
    const token = await forge(t, {
      ...{ plan: "pro", is_staff: true, role: "admin", scope: "admin", is_verified: false },
    });
    const { body } = await t.http.get(path, { token });
    assert.deepEqual([body.plan, body.is_verified, body.role], ["free", true, undefined]);
  });
});

describe("an access token that we write", () => {
  it("says what simplejwt's says, in its order, then where and how the person signed in; no more", async () => {
    await using t = await testAuth({ environment: { JWT_AUDIENCE: "api" } });
    const ada = await t.person({ fields: { first_name: "Ada", last_name: "Lovelace" } });
    const { access, refresh: token } = await ada.signIn();
    const own = ["sid", "iss", "aud", "auth_time", "amr"];
    const names = ["token_type", "exp", "iat", "jti", "user_id", ...own];
    assert.deepEqual(Object.keys(payloadOf(access)), names);
    assert.deepEqual(Object.keys(payloadOf(token)), [...names, "seq"]);
    const header = JSON.parse(Buffer.from(access.split(".")[0] ?? "", "base64url").toString());
    assert.deepEqual(header, { alg: "HS256", typ: "JWT" });
    const text = JSON.stringify([payloadOf(access), payloadOf(token)]);
    for (const personal of [ada.email, ada.username, "Ada", "Lovelace", "127.0.0.1"])
      assert.ok(!text.includes(personal), personal);
    assert.deepEqual(payloadOf(access).amr, ["pwd"]);
  });

  it("has an id of its own, and its session's is one that nobody guesses", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    const ada = await t.person();
    let { refresh: token } = await ada.signIn();
    const ids = new Set<string>();
    for (let n = 0; n < 500; n += 1) {
      const next = await t.auth.tokenRefresh.refresh(token);
      for (const one of [next.access, next.refresh]) ids.add(payloadOf(one).jti);
      token = next.refresh;
    }
    assert.equal(ids.size, 1000);
    for (const id of ids) assert.match(id, /^[0-9a-f]{32}$/);
    const sessions = await Promise.all(Array.from({ length: 20 }, () => ada.signIn()));
    assert.equal(new Set(sessions.map(({ access }) => payloadOf(access).sid)).size, 20);
  });
});

describe("TOKEN_CLAIMS", () => {
  const fields = {
    plan: { type: "text", default: "free" },
    risk: { type: "integer", hidden: true },
    sid: { type: "text", default: "" },
    picture: { type: "text", default: "" },
    picture_url: { type: "link", of: "picture" },
  } as const;

  for (const [name, reason] of [
    ["nothing_such", /TOKEN_CLAIMS: "nothing_such" is no declared user field/],
    ["email", /"email" is no declared user field/],
    ["password_hash", /"password_hash" is no declared user field/],
    ["constructor", /"constructor" is no declared user field/],
    ["risk", /"risk" is hidden/],
    ["picture_url", /"picture_url" is a link/],
    ["sid", /"sid" is a claim that every token has already/],
    ["user_id", /"user_id" is a claim that every token has already/],
  ] as const) {
    it(`refuses ${name} at start`, async () => {
      await assert.rejects(testAuth({ fields, environment: { TOKEN_CLAIMS: `plan,${name}` } }), reason);
    });
  }

  it("adds declared, visible fields to access tokens alone", async () => {
    await using t = await testAuth({
      fields,
      environment: { TOKEN_CLAIMS: "plan,first_name" },
    });
    const { access, refresh: token } = await (await t.person({ fields: { first_name: "Ada" } })).signIn();
    assert.deepEqual([payloadOf(access).plan, payloadOf(access).first_name], ["free", "Ada"]);
    assert.equal(payloadOf(token).plan, undefined);
  });
});
