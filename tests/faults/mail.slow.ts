/** The mail server, the database or this server goes while mail waits or is in hand: all of it leaves soon, and once. */

import { setTimeout as pause } from "node:timers/promises";
import { findFreePort } from "../../packages/server/src/testing/postgres.ts";
import {
  type SmtpMode,
  startSmtpServer,
  type TestSmtpServer,
} from "../../packages/server/src/testing/smtp-server.ts";
import { type Measured, runScenarios, scenario } from "./scenario.ts";
import { openDatabase, openStage, type Stage } from "./stage.ts";

interface MailStage extends Stage {
  /** The mail server that is there now. */
  readonly smtp: () => TestSmtpServer;
  readonly closeSmtp: () => Promise<void>;
  readonly reopenSmtp: () => Promise<void>;
  /** Registers so many new addresses, each of which is mailed a link. */
  readonly order: (count: number) => Promise<void>;
  /** How often each address got its mail. */
  readonly copies: () => readonly number[];
}

async function openMailStage(settings: Readonly<Record<string, string>> = {}): Promise<MailStage> {
  await using things = new AsyncDisposableStack();
  const port = await findFreePort();
  const first = things.use(await startSmtpServer({ port }));
  const servers = [first];
  const smtp = () => servers.at(-1) ?? first;
  const stage = things.use(
    await openStage({
      EMAIL_BACKEND: "smtp",
      EMAIL_HOST: "127.0.0.1",
      EMAIL_PORT: String(port),
      DEFAULT_FROM_EMAIL: "auth@example.com",
      ...settings,
    }),
  );
  const owned = things.move();
  const ordered: string[] = [];
  return {
    ...stage,
    smtp,
    closeSmtp: () => smtp().close(),
    reopenSmtp: async () => void servers.push(owned.use(await startSmtpServer({ port }))),
    order: async (count) => {
      for (let n = 0; n < count; n += 1) {
        const name = `person${ordered.length}`;
        const password = "securepassword123";
        const body = { email: `${name}@example.com`, username: name, first_name: "", last_name: "" };
        const given = { ...body, password, password2: password };
        const answer = await stage.server().post("/api/auth/register/", given);
        if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
        ordered.push(body.email);
      }
    },
    copies: () => ordered.map((email) => servers.reduce((sum, one) => sum + one.mailFor(email).length, 0)),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Waits until every mail is there. */
async function measureMail(stage: MailStage, { within }: { readonly within: number }): Promise<Measured> {
  const since = performance.now();
  const seconds = () => (performance.now() - since) / 1000;
  while (stage.copies().includes(0) && seconds() < within) await pause(50);
  const last = stage.copies().includes(0) ? Number.POSITIVE_INFINITY : seconds();
  const copies = stage.copies();
  return {
    figures: {
      "last mail after": last,
      "sent twice": copies.filter((count) => count > 1).length,
      "never sent": copies.filter((count) => count === 0).length,
      mails: copies.length,
    },
  };
}

/** Seconds until no mail waits in the outbox: whatever is noted as sent is never sent again. */
async function untilNoted({ box, env }: Stage, within: number): Promise<number> {
  const since = performance.now();
  for (;;) {
    const seconds = (performance.now() - since) / 1000;
    if (seconds > within) return Number.POSITIVE_INFINITY;
    const { out } = await box.run(["outbox", "list", "--state", "waiting", "--json"], { env });
    if ((JSON.parse(out) as { mails: unknown[] }).mails.length === 0) return seconds;
    await pause(250);
  }
}

/** Mail under way, and an SMTP server that says no more. */
async function stall(stage: MailStage, mode: SmtpMode): Promise<void> {
  stage.smtp().mode = mode;
  await stage.order(3);
  // Two at a time go to one domain.
  while (new Set(stage.smtp().envelopes.filter((address) => address !== "auth@example.com")).size < 2)
    await pause(20);
}

runScenarios("mail", 7, () => {
  scenario("a mail server that asks everybody to come again gets each mail a minute later", {
    stage: openMailStage,
    fault: async (stage) => {
      const smtp = stage.smtp();
      smtp.mode = { refuseAt: "recipient", reply: "451 4.7.1 Greylisted, come again" };
      await stage.order(4);
      while (smtp.envelopes.filter((address) => address.startsWith("person")).length < 4) await pause(50);
      smtp.mode = "accept";
      return measureMail(stage, { within: 80 });
    },
    must: { "last mail after": 70, "sent twice": 0, "never sent": 0 },
  });

  scenario("a mail server that says nothing for 15 s gets all that waited within half a minute", {
    stage: openMailStage,
    fault: async (stage) => {
      stage.smtp().mode = { stallAt: "connection" };
      await stage.order(8);
      await pause(15_000);
      stage.smtp().mode = "accept";
      return measureMail(stage, { within: 60 });
    },
    must: { "last mail after": 35, "sent twice": 0, "never sent": 0 },
  });

  scenario("a mail server that is gone for 15 s gets all that waited within half a minute", {
    stage: openMailStage,
    fault: async (stage) => {
      await stage.closeSmtp();
      await stage.order(8);
      await pause(15_000);
      await stage.reopenSmtp();
      return measureMail(stage, { within: 60 });
    },
    must: { "last mail after": 35, "sent twice": 0, "never sent": 0 },
  });

  scenario("a server that is killed with mail in hand sends it soon after it is back", {
    stage: openMailStage,
    fault: async (stage) => {
      await stall(stage, { stallAt: "message" });
      await stage.kill();
      stage.smtp().mode = "accept";
      await stage.start();
      return measureMail(stage, { within: 60 });
    },
    must: { "last mail after": 35, "sent twice": 0, "never sent": 0 },
  });

  scenario("a server that is stopped with mail in hand ends in time, and sends it as soon as it is back", {
    stage: openMailStage,
    fault: async (stage) => {
      await stall(stage, { stallAt: "message" });
      const { seconds, code } = await stage.stop();
      stage.smtp().mode = "accept";
      await stage.start();
      const { figures } = await measureMail(stage, { within: 60 });
      return { figures: { ...figures, "ended after": seconds, "had to be killed": code === null ? 1 : 0 } };
    },
    must: {
      ...{ "ended after": 25, "had to be killed": 0 },
      ...{ "last mail after": 10, "sent twice": 0, "never sent": 0 },
    },
  });

  scenario("a mail that was taken while the database was away for 20 s is not sent again", {
    stage: async () => {
      await using things = new AsyncDisposableStack();
      const { proxy, url } = things.use(await openDatabase());
      const stage = things.use(await openMailStage({ DATABASE_URL: url }));
      const owned = things.move();
      return { ...stage, proxy, [Symbol.asyncDispose]: () => owned.disposeAsync() };
    },
    fault: async (stage) => {
      const isAway = Promise.withResolvers<void>();
      stage.smtp().mode = { holdAt: "accepted", until: isAway.promise };
      await stage.order(1);
      while (stage.copies().includes(0)) await pause(20);
      await stage.proxy.cut();
      isAway.resolve();
      await pause(20_000);
      await stage.proxy.mend();
      const noted = await untilNoted(stage, 30);
      const { figures } = await measureMail(stage, { within: 1 });
      return { figures: { ...figures, "noted after": noted } };
    },
    must: { "noted after": 15, "sent twice": 0, "never sent": 0 },
  });
});
