/**
 * Whether a stop-watch can tell a known address from an unknown one: pairs of calls in random order over one
 * kept-alive connection, compared by how often the one is slower than the other (AUC) and by their medians.
 *
 * `node bench/timing.ts [PAIRS]` measures a server of its own and ends with 1 when a difference shows twice.
 */

import { randomBytes, randomInt, randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { Agent, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Running, startProduct } from "./servers.ts";

const pairs = Number(process.argv[2] ?? 100);
const warmUps = 10;

interface Outcome {
  readonly auc: number;
  /** Of the medians, as a part of the median. */
  readonly difference: number;
  readonly medians: readonly [number, number];
}

const accounts = 300;
const folder = mkdtempSync(join(tmpdir(), "imagaine-auth-bench-"));
const server = await startProduct();
const afterImport = await startAfterImport(join(folder, "auth.db"));
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

/** The product as it stands some weeks after a move: of three accounts, two have Django's hash still. */
async function startAfterImport(file: string): Promise<Running> {
  const environment = { DATABASE_URL: `sqlite:${file}`, SECRET_KEY: randomBytes(32).toString("hex") };
  const empty = await startProduct(environment);
  await empty.stop();
  const database = new DatabaseSync(file);
  const insert = database.prepare(
    "insert into accounts (id, email, email_canonical, username, username_canonical, password_hash, verified_at, " +
      "created_at, updated_at) values (?, ?, ?, ?, ?, ?, 1, 1, 1)",
  );
  for (let n = 0; n < accounts; n += 1) {
    const [email, name] = [`account${n}@example.org`, `account${n}`];
    const hash = n % 3 === 0 ? ownHash() : djangosHash();
    insert.run(randomUUID(), email, email, name, name, hash);
  }
  // An empty system was counted just now, perhaps: as after a real import, the next count comes by itself.
  database.exec("delete from facts where name = 'password makes'");
  const running = await startProduct(environment);
  const counted = database.prepare("select value from facts where name = 'password makes'");
  while (!counted.get()) await new Promise((wait) => setTimeout(wait, 500));
  database.close();
  return running;
}

function djangosHash(): string {
  return `pbkdf2_sha256$600000$${randomBytes(11).toString("hex")}$${randomBytes(32).toString("base64")}`;
}

function ownHash(): string {
  const [salt, key] = [16, 32].map((bytes) => randomBytes(bytes).toString("base64").replace(/=+$/, ""));
  return `$argon2id$v=19$m=19456,t=2,p=1$${salt}$${key}`;
}

/** Milliseconds that one call takes. Throws for a status that was not expected. */
function timeCall(path: string, body: unknown, status: number, url = server.url): Promise<number> {
  const text = JSON.stringify(body);
  const headers = { "content-type": "application/json", "content-length": Buffer.byteLength(text) };
  return new Promise((resolve, reject) => {
    const startedAt = performance.now();
    const call = request(`${url}${path}`, { method: "POST", agent, headers }, (answer) => {
      answer.resume();
      answer.on("end", () => {
        const took = performance.now() - startedAt;
        if (answer.statusCode === status) resolve(took);
        else reject(new Error(`${path}: ${answer.statusCode} instead of ${status}`));
      });
    });
    call.on("error", reject);
    call.end(text);
  });
}

let count = 0;
const newAddress = () => `stranger${(count += 1)}@example.org`;
const password = "Quiet-Harbour-77";

async function register(email: string): Promise<void> {
  const names = { username: `user${(count += 1)}`, first_name: "", last_name: "" };
  await timeCall("/api/auth/register/", { email, ...names, password, password2: password }, 201);
}

async function verify(email: string): Promise<void> {
  const mails = await fetch(
    `${server.url}/_/mailbox/api/messages/?to=${email}&template=verify-email&wait=5s`,
  );
  const { messages } = (await mails.json()) as { messages: { code: string }[] };
  await timeCall("/api/auth/verify-email/", { email, code: messages[0]?.code }, 200);
}

const verified = "verified@example.org";
const unverified = "unverified@example.org";
await register(verified);
await verify(verified);
await register(unverified);

const registration = (email: string) => {
  const names = { username: `user${(count += 1)}`, first_name: "", last_name: "" };
  return timeCall("/api/auth/register/", { email, ...names, password, password2: password }, 201);
};
const login = (email: string) => timeCall("/api/auth/login/", { email, password: "wrong-password-1" }, 400);
const loginAfterImport = (email: string) =>
  timeCall("/api/auth/login/", { email, password: "wrong-password-1" }, 400, afterImport.url);
const anyAccount = () => `account${randomInt(accounts)}@example.org`;
const mailing = (path: string) => (email: string) => timeCall(path, { email }, 200);
const reset = mailing("/api/auth/password/reset/request/");
const resend = mailing("/api/auth/verify-email/resend/");
const guessCode = (email: string) => timeCall("/api/auth/verify-email/", { email, code: "no code" }, 400);

const comparisons: readonly (readonly [string, () => Promise<number>, () => Promise<number>])[] = [
  ["login: wrong password / unknown", () => login(verified), () => login(newAddress())],
  ["login: unverified / unknown", () => login(unverified), () => login(newAddress())],
  [
    "login after an import: any account / unknown",
    () => loginAfterImport(anyAccount()),
    () => loginAfterImport(newAddress()),
  ],
  ["register: known / new", () => registration(verified), () => registration(newAddress())],
  ["register: unverified / new", () => registration(unverified), () => registration(newAddress())],
  ["resend: unverified / unknown", () => resend(unverified), () => resend(newAddress())],
  ["resend: verified / unknown", () => resend(verified), () => resend(newAddress())],
  ["wrong code: unverified / unknown", () => guessCode(unverified), () => guessCode(newAddress())],
  ["wrong code: verified / unknown", () => guessCode(verified), () => guessCode(newAddress())],
  ["reset: known / unknown", () => reset(verified), () => reset(newAddress())],
];

async function compare(known: () => Promise<number>, unknown: () => Promise<number>): Promise<Outcome> {
  const times: [number[], number[]] = [[], []];
  for (let n = -warmUps; n < pairs; n += 1) {
    const order = Math.random() < 0.5 ? [0, 1] : [1, 0];
    for (const side of order) {
      const took = await (side === 0 ? known() : unknown());
      // The mail of the call before is being written and sent: its work must not fall into the next measurement.
      await new Promise((wait) => setTimeout(wait, 15));
      if (n >= 0) times[side as 0 | 1].push(took);
    }
  }
  const medians = times.map(median) as [number, number];
  const difference = Math.abs(medians[0] - medians[1]) / Math.min(...medians);
  return { auc: areaUnderCurve(...times), difference, medians };
}

/** How often a value of the one is greater than a value of the other: one half when nothing can be told. */
function areaUnderCurve(one: readonly number[], other: readonly number[]): number {
  let wins = 0;
  for (const a of one) for (const b of other) wins += a > b ? 1 : a === b ? 0.5 : 0;
  return wins / (one.length * other.length);
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

const isTold = ({ auc, difference }: Outcome) => auc < 0.3 || auc > 0.7 || difference > 0.1;

try {
  process.stdout.write(`| call | AUC (0.3 to 0.7) | medians | apart (10 % at most) |\n|---|---|---|---|\n`);
  for (const [name, known, unknown] of comparisons) {
    let outcome = await compare(known, unknown);
    if (isTold(outcome)) outcome = await compare(known, unknown);
    const [a, b] = outcome.medians.map((value) => value.toFixed(2));
    const apart = `${(100 * outcome.difference).toFixed(1)} %`;
    const verdict = isTold(outcome) ? " **told apart**" : "";
    process.stdout.write(`| ${name} | ${outcome.auc.toFixed(2)} | ${a} / ${b} ms | ${apart}${verdict} |\n`);
    if (isTold(outcome)) process.exitCode = 1;
  }
} finally {
  agent.destroy();
  await Promise.all([server.stop(), afterImport.stop()]);
  rmSync(folder, { recursive: true });
}
