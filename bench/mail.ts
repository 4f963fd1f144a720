/**
 * How long a mail takes from the answer that ordered it until a mail server has taken it: one by one, and fifty at once.
 *
 * `node bench/mail.ts [MAILS]` measures a server of its own, on SQLite, against a mail server on loopback that waits a
 * tenth of a second before it greets, and ends with 1 when, one by one, more than one in twenty takes longer than two seconds.
 */

import { setTimeout as pause } from "node:timers/promises";
import { startSmtpServer, type TestSmtpServer } from "../packages/server/src/testing/smtp-server.ts";
import { type Running, startProduct } from "./servers.ts";

const mails = Number(process.argv[2] ?? 100);
const most = 2000;

let count = 0;

/** Registers somebody new, at one of five domains, and gives the milliseconds until their mail was taken. */
async function timeMail({ url }: Running, smtp: TestSmtpServer): Promise<number> {
  const name = `person${(count += 1)}`;
  const email = `${name}@example${count % 5}.org`;
  const password = "Quiet-Harbour-77";
  const person = { email, username: name, first_name: "", last_name: "", password, password2: password };
  const answer = await fetch(`${url}/api/auth/register/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(person),
  });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
  const answeredAt = performance.now();
  while (smtp.mailFor(email).length === 0) {
    if (performance.now() - answeredAt > 60_000) throw new Error(`No mail to ${email} in a minute.`);
    await pause(5);
  }
  return performance.now() - answeredAt;
}

/** Prints the spread; whether it is fast enough. */
function report(what: string, times: readonly number[]): boolean {
  const sorted = times.toSorted((one, other) => one - other);
  const at = (part: number) => sorted[Math.ceil(part * sorted.length) - 1] ?? Number.NaN;
  const p95 = at(0.95);
  process.stdout.write(
    `${what.padEnd(16)} median ${at(0.5).toFixed(0).padStart(5)} ms   p95 ${p95.toFixed(0).padStart(5)} ms   longest ${at(1).toFixed(0).padStart(5)} ms\n`,
  );
  return p95 <= most;
}

await using smtp = await startSmtpServer();
const product = await startProduct({
  ...{ EMAIL_BACKEND: "smtp", EMAIL_HOST: smtp.host, EMAIL_PORT: String(smtp.port) },
  DEFAULT_FROM_EMAIL: "noreply@example.org",
});
try {
  await timeMail(product, smtp);
  const apart: number[] = [];
  for (let n = 0; n < mails; n += 1) apart.push(await timeMail(product, smtp));
  const isFast = report("one by one", apart);
  report("fifty at once", await Promise.all(Array.from({ length: 50 }, () => timeMail(product, smtp))));
  if (!isFast) process.exitCode = 1;
} finally {
  await product.stop();
}
