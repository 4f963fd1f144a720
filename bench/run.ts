/** npm run bench: how near each call comes to what the machine can do, as ratios of one run. */

import autocannon from "autocannon";
import { measureLimits } from "./limits.ts";
import { type Running, startBareServer, startProduct } from "./servers.ts";

const seconds = Number(process.argv[2] ?? 3);
const person = { email: "user@example.com", username: "user123", password: "securepassword123" };

interface Load {
  readonly method: "GET" | "POST";
  readonly path: string;
  readonly body?: unknown;
  readonly token?: string;
  readonly connections?: number;
}

/** Calls a second, over so many kept-alive connections. Throws when a single one failed. */
async function measureCalls({ url }: Running, load: Load): Promise<number> {
  const result = await autocannon({
    url: url + load.path,
    method: load.method,
    connections: load.connections ?? 10,
    duration: seconds,
    headers: {
      "content-type": "application/json",
      ...(load.token ? { authorization: `Bearer ${load.token}` } : {}),
    },
    ...(load.body === undefined ? {} : { body: JSON.stringify(load.body) }),
  });
  if (result.non2xx > 0 || result.errors > 0) throw new Error(`${load.path}: ${result.non2xx} calls failed`);
  return result.requests.total / seconds;
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

/** Refreshes a second: each of ten sessions trades its token for the next, one after the other. */
async function measureRefreshes(product: Running): Promise<number> {
  const tokens: string[] = [];
  for (let n = 0; n < 10; n += 1) tokens.push((await login(product)).refresh ?? "");
  const until = performance.now() + seconds * 1000;
  let count = 0;
  const chain = async (token: string) => {
    let refresh = token;
    while (performance.now() < until) {
      refresh = (await post(`${product.url}/api/auth/token/refresh/`, { refresh })).refresh ?? "";
      count += 1;
    }
  };
  await Promise.all(tokens.map(chain));
  return count / seconds;
}

const line = (call: string, rate: number, limit: string, most: number) =>
  process.stdout.write(
    `${call.padEnd(28)}${rate.toFixed(0).padStart(8)}/s   ${((100 * rate) / most).toFixed(0).padStart(4)} % of ${limit} (${most.toFixed(0)}/s)\n`,
  );

const limits = await measureLimits(seconds);
const bare = await startBareServer();
const product = await startProduct();
try {
  await registerPerson(product);
  const { access = "" } = await login(product);
  const bareGet = await measureCalls(bare, { method: "GET", path: "/" });
  const barePost = await measureCalls(bare, { method: "POST", path: "/", body: { token: access } });
  const calls = {
    login: { method: "POST", path: "/api/auth/login/", body: person, connections: 4 },
    verify: { method: "POST", path: "/api/auth/token/verify/", body: { token: access } },
    profile: { method: "GET", path: "/api/auth/profile/", token: access },
  } as const;
  line("login", await measureCalls(product, calls.login), "argon2id alone", limits.hashes);
  line("token/verify", await measureCalls(product, calls.verify), "bare node:http", barePost);
  line("profile", await measureCalls(product, calls.profile), "bare node:http", bareGet);
  line("token/refresh", await measureRefreshes(product), "one SQLite commit at a time", limits.commits);
} finally {
  await Promise.all([bare.stop(), product.stop()]);
}
