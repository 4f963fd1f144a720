import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";
import { passwordChangedMail } from "../passwords/mail.ts";
import { enqueueMail } from "./outbox.ts";
import { countMails, findMailsById, listMails, retryMail } from "./outbox-list.ts";
import { MailRefused, MailUnreachable, type Transport } from "./transports/transport.ts";
import { sendNextMail } from "./worker.ts";

const failing = (error: Error): Transport => ({
  name: "failing",
  send: async () => {
    throw error;
  },
  verify: async () => undefined,
  close: () => undefined,
});
const refusing = failing(new MailRefused({ permanent: true, reply: "550 no such mailbox" }));

/** A system with one mail in its outbox that was tried and failed for good, or waits. */
async function withMail(transport?: Transport): Promise<{ t: TestAuth; id: string }> {
  const t = await testAuth();
  const ada = await t.person();
  await t.mailbox();
  t.clock.advance("1s");
  await enqueueMail(t.ctx, passwordChangedMail, ada.email, {});
  if (transport) while (await sendNextMail(t.ctx, transport));
  const [mail] = await listMails(t.ctx, { limit: 1 });
  return { t, id: mail?.id ?? "" };
}

describe("the outbox as an operator sees it", () => {
  it("tells what became of each mail, and nothing of what it says", async () => {
    const { t: system, id } = await withMail(refusing);
    await using t = system;
    const [failed, sent] = await listMails(t.ctx, { limit: 9 });
    assert.deepEqual(
      [failed?.id, failed?.state, failed?.reply, failed?.dueAt, failed?.isKept],
      [id, "failed", "Mail refused: 550 no such mailbox", null, true],
    );
    assert.deepEqual([sent?.mail, sent?.state, sent?.isKept], ["verify-email", "sent", false]);
    assert.deepEqual(Object.fromEntries(await countMails(t.ctx)), { failed: 1, sent: 1 });
    assert.equal((await listMails(t.ctx, { limit: 9, state: "failed" })).length, 1);
    assert.deepEqual(
      (await findMailsById(t.ctx, id.slice(0, 8))).map((mail) => mail.id),
      [id],
    );
    assert.deepEqual(await findMailsById(t.ctx, "%"), []);
  });

  it("tries a failed mail again, as if for the first time", async () => {
    const { t: system, id } = await withMail(refusing);
    await using t = system;
    assert.equal(await retryMail(t.ctx, id), true);
    assert.ok((await t.happened()).includes("mail.retried"));
    assert.equal((await t.mailbox()).at(-1)?.mail, "password-changed");
    assert.equal(await retryMail(t.ctx, id), false, "it is sent by now");
    assert.equal((await t.mailbox()).filter(({ mail }) => mail === "password-changed").length, 1);
  });

  it("tries a mail that waits for its next try at once", async () => {
    const { t: system, id } = await withMail(failing(new MailUnreachable("timeout")));
    await using t = system;
    assert.notEqual((await t.mailbox()).at(-1)?.mail, "password-changed");
    assert.equal(await retryMail(t.ctx, id), true);
    assert.equal((await t.mailbox()).at(-1)?.mail, "password-changed");
  });

  it("does not try again what helps nobody any more, what is erased, or what is being sent", async () => {
    const late = await withMail(refusing);
    await using t = late.t;
    t.clock.advance("30d");
    assert.equal(await retryMail(t.ctx, late.id), false);

    const erased = await withMail(refusing);
    await using u = erased.t;
    const outbox = u.database.kysely.$extendTables<{ outbox: { id: string; payload: string | null } }>();
    await outbox.updateTable("outbox").set({ payload: null }).where("id", "=", erased.id).execute();
    assert.equal(await retryMail(u.ctx, erased.id), false);

    const sending = await withMail();
    await using v = sending.t;
    const meanwhile: boolean[] = [];
    const slow: Transport = {
      ...refusing,
      send: async () => {
        meanwhile.push(await retryMail(v.ctx, sending.id));
        return { reply: "250 ok" };
      },
    };
    await sendNextMail(v.ctx, slow);
    assert.deepEqual(meanwhile, [false]);
    for (const one of [t, u, v]) assert.ok(!(await one.happened()).includes("mail.retried"));
  });
});
