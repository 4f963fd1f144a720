import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { enqueueMail } from "./core/mail/outbox.ts";
import { passwordChangedMail } from "./core/passwords/mail.ts";
import { type TestAuth, testAuth } from "./testing/test-auth.ts";

/** Every text that stands in the database, whole and as what a column of JSON holds. */
async function listTexts(t: TestAuth): Promise<string[]> {
  const texts = new Set<string>();
  const collect = (value: unknown): void => {
    if (typeof value === "string") {
      texts.add(value);
      if (/^[[{]/.test(value)) collect(JSON.parse(value));
    } else if (typeof value === "object" && value !== null) Object.values(value).forEach(collect);
  };
  collect(await t.snapshot());
  return [...texts].filter((text) => text !== "");
}

/** Presents a text wherever something secret is asked for; the doors that it opened. */
async function tryEverywhere(t: TestAuth, text: string, email: string): Promise<string[]> {
  const ask = async (path: string, init: RequestInit) =>
    (await t.http.send(new Request(`http://localhost:8000/api/auth/${path}`, init))).status;
  const post = (path: string, body: unknown) =>
    ask(path, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  // Where a header cannot hold it, it opens nothing.
  const authorization = `Bearer ${/^[\x21-\x7e]+$/.test(text) ? text : "x"}`;
  const password = { new_password: "Amber-Window-36", new_password_confirm: "Amber-Window-36" };
  const statuses = {
    bearer: await ask("profile/", { headers: { authorization } }),
    refresh: await post("token/refresh/", { refresh: text }),
    verify: await post("token/verify/", { token: text }),
    link: await post(`verify-email/${encodeURIComponent(text)}/`, {}),
    code: await post("verify-email/", { email, code: text }),
    reset: await post("password/reset/confirm/", { token: text, ...password }),
    login: await post("login/", { email, password: text }),
  };
  return Object.entries(statuses).flatMap(([door, status]) => (status < 300 ? [door] : []));
}

describe("whoever reads a copy of the database", () => {
  for (const algorithm of ["HS256", "ES256"]) {
    it(`signs nobody in with anything that stands there (${algorithm})`, async () => {
      await using t = await testAuth({ environment: { RATE_LIMITS: "off", JWT_ALGORITHM: algorithm } });
      const ada = await t.person();
      const { access, refresh, device } = await ada.signIn();
      await t.http.post("/api/auth/token/refresh/", { refresh });
      await t.http.post("/api/auth/password/reset/request/", { email: ada.email });
      const eve = await t.person({ verified: false });
      await t.mailbox();
      // One more that still waits to be written.
      await enqueueMail(t.ctx, passwordChangedMail, ada.email, {});
      const texts = await listTexts(t);
      assert.ok(texts.length > 50, String(texts.length));
      for (const secret of [ada.password, eve.password, access, refresh, device]) {
        const signature = secret.split(".").at(-1) ?? secret;
        assert.ok(!texts.some((text) => text.includes(signature)), "a secret stands there in clear");
      }
      for (const text of texts) {
        for (const email of [ada.email, eve.email])
          assert.deepEqual(await tryEverywhere(t, text, email), [], `${text.slice(0, 8)}… opens something`);
      }
    });
  }
});
