/** npm run bench: how near each call comes to what the machine can do, as ratios of one run. */

import autocannon from "autocannon";
import { type Measured, measureCommits, measureHashes } from "./limits.ts";
import { cpuTime, type Running, startBareServer, startProduct } from "./servers.ts";

const seconds = Number(process.argv[2] ?? 2);
const person = { email: "user@example.com", username: "user123", password: "securepassword123" };

interface Load {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly connections?: number;
  /** Instead of a body: for calls that each need the answer of the one before. */
  readonly requests?: autocannon.Request[];
}

/** Calls over so many kept-alive connections. Throws when a single one failed. */
async function measureCalls(server: Running, load: Load): Promise<Measured> {
  const before = cpuTime(server);
  const result = await autocannon({
    url: server.url + load.path,
    method: load.method,
    connections: load.connections ?? 10,
    duration: seconds,
    headers: {
      "content-type": "application/json",
      ...(load.token ? { authorization: `Bearer ${load.token}` } : {}),
    },
    ...(load.body === undefined ? {} : { body: JSON.stringify(load.body) }),
    ...(load.requests ? { requests: load.requests } : {}),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${load.path}: ${result.non2xx} calls failed`);
  const { total } = result.requests;
  return { rate: total / result.duration, cpu: (cpuTime(server) - before) / total };
}

async function post(url: string, body: unknown): Promise<Record<string, string>> {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  if (!answer.ok) throw new Error(`${url}: ${answer.status} ${await answer.text()}`);
  return (await answer.json()) as Record<string, string>;
}

async function registerPerson({ url }: Running): Promise<void> {
  const names = { first_name: "User", last_name: "One" };
  await post(`${url}/api/auth/register/`, { ...person, ...names, password2: person.password });
  const mails = await fetch(`${url}/_/mailbox/api/messages/?to=${person.email}&wait=5s`);
  const { messages } = (await mails.json()) as { messages: { code: string }[] };
  await post(`${url}/api/auth/verify-email/`, { email: person.email, code: messages[0]?.code });
}

const login = ({ url }: Running) => post(`${url}/api/auth/login/`, person);

/** Sessions that trade their tokens for the next: whichever connection is free takes one, and puts its successor back. */
async function refreshing(product: Running): Promise<Load> {
  const tokens: string[] = [];
  for (let n = 0; n < 12; n += 1) tokens.push((await login(product)).refresh ?? "");
  const trade: autocannon.Request = {
    setupRequest: (request) => ({ ...request, body: JSON.stringify({ refresh: tokens.shift() }) }),
    onResponse: (_status, body) => void tokens.push((JSON.parse(body) as { refresh: string }).refresh),
  };
  return { method: "POST", path: "/api/auth/token/refresh/", requests: [trade] };
}

/** One after the other, so that whatever else the machine does meanwhile falls on all alike. */
async function measureRound(bare: Running, product: Running) {
  const { access = "" } = await login(product);
  const body = { token: access };
  const loads = {
    login: { method: "POST", path: "/api/auth/login/", body: person, connections: 4 },
    verify: { method: "POST", path: "/api/auth/token/verify/", body },
    profile: { method: "GET", path: "/api/auth/profile/", token: access },
  } as const;
  return {
    hashes: await measureHashes(seconds),
    login: await measureCalls(product, loads.login),
    barePost: await measureCalls(bare, { method: "POST", path: "/", body }),
    verify: await measureCalls(product, loads.verify),
    bareGet: await measureCalls(bare, { method: "GET", path: "/" }),
    profile: await measureCalls(product, loads.profile),
    commits: measureCommits(seconds),
    refresh: await measureCalls(product, await refreshing(product)),
  };
}

type Round = Awaited<ReturnType<typeof measureRound>>;

const middle = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;

function report(
  call: string,
  measured: readonly Measured[],
  limit: string,
  limits: readonly Measured[],
): void {
  const [rate, cpu] = [middle(measured.map((one) => one.rate)), middle(measured.map((one) => one.cpu))];
  const [most, least] = [middle(limits.map((one) => one.rate)), middle(limits.map((one) => one.cpu))];
  const part = middle(measured.map((one, round) => (100 * one.rate) / (limits[round]?.rate ?? Number.NaN)));
  process.stdout.write(
    `| ${call} | ${rate.toFixed(0)} | ${cpu.toFixed(0)} µs | ` +
      `${part.toFixed(0)} % of ${limit}: ${most.toFixed(0)}, ${least.toFixed(0)} µs |\n`,
  );
}

const bare = await startBareServer();
const product = await startProduct();
try {
  await registerPerson(product);
  // The first round warms up what the others measure.
  const rounds: Round[] = [];
  for (let n = 0; n <= 5; n += 1) rounds.push(await measureRound(bare, product));
  const of = (name: keyof Round) => rounds.slice(1).map((round) => round[name]);
  process.stdout.write("| Call | A second | CPU | Beside: a second, CPU |\n| --- | --- | --- | --- |\n");
  report("login", of("login"), "argon2id alone", of("hashes"));
  report("token/verify", of("verify"), "bare `node:http`", of("barePost"));
  report("profile", of("profile"), "bare `node:http`", of("bareGet"));
  report("token/refresh", of("refresh"), "one SQLite commit at a time", of("commits"));
} finally {
  await Promise.all([bare.stop(), product.stop()]);
}
