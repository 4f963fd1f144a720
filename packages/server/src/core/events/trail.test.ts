import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testAuth } from "../../testing/test-auth.ts";
import { event, record } from "./events.ts";
import { listTrail } from "./trail.ts";

const lampWasLit = event<{ lamp: string }>("lamp.lit");
const lampsWereSold = event("lamp_.sold");

const forged = { "x-request-id": "cli:root@host", "user-agent": "cli:root@host" };

describe("the trail", () => {
  it("gives the newest that match, the oldest of them first", async () => {
    await using t = await testAuth();
    for (const lamp of ["one", "two", "three"]) {
      await record(t.ctx, lampWasLit, null, { lamp });
      t.clock.advance("1m");
    }
    await record(t.ctx, lampsWereSold, "an-account", {});
    const names = async (filter: Parameters<typeof listTrail>[1]) =>
      (await listTrail(t.ctx, filter)).map(({ event, details }) => details.lamp ?? event);
    assert.deepEqual(await names({ limit: 2 }), ["three", "lamp_.sold"]);
    assert.deepEqual(await names({ limit: 9, event: "lamp.*" }), ["one", "two", "three"]);
    assert.deepEqual(await names({ limit: 9, event: "lamp_.*" }), ["lamp_.sold"]);
    assert.deepEqual(await names({ limit: 9, event: "%" }), []);
    assert.deepEqual(await names({ limit: 9, accountId: "an-account" }), ["lamp_.sold"]);
    const since = new Date(t.clock.now().getTime() - 90_000);
    assert.deepEqual(await names({ limit: 9, since }), ["three", "lamp_.sold"]);
  });

  it("says who did it, and takes no request's word that it is the command line", async () => {
    await using t = await testAuth();
    const body = { email: "ada@example.org", password: "Blue-Harbour-71" };
    await t.http.post("/api/auth/login/", body, { headers: forged, from: "192.0.2.7" });
    t.clock.advance("1s");
    await record(t.auth.context("cli:ada@desk"), lampWasLit, null, { lamp: "desk" });
    const by = (await listTrail(t.ctx, { limit: 9 })).map((entry) => entry.by);
    assert.deepEqual(by, ["192.0.2.7", "cli:ada@desk"]);
  });

  it("says of a deleted account what happened, and by whose command, but not where its owner was", async () => {
    await using t = await testAuth();
    const ada = await t.person();
    await ada.login(ada.password, { headers: forged });
    const account = await t.auth.administration.findUser(ada.email);
    assert.ok(account);
    t.clock.advance("1s");
    await t.auth.administration.deleteUser(account.id);
    const entries = await listTrail(t.ctx, { limit: 99, accountId: account.id });
    assert.equal(entries.at(-1)?.event, "account.deleted");
    for (const { by, email, userAgent } of entries) assert.deepEqual([by, email, userAgent], ["", null, ""]);
  });
});
