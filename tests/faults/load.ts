/** People who use a server all the time, and who remember what it acknowledged. */

import { setTimeout as pause } from "node:timers/promises";

/** Nobody waits for an answer longer than this. */
const patience = 40_000;
const password = "securepassword123";

interface Answer {
  /** What was asked for: "write", "read" or "health". */
  readonly kind: string;
  readonly who: string;
  /** 0: there was none. */
  readonly status: number;
  readonly began: number;
  readonly ended: number;
  readonly body: Readonly<Record<string, string>>;
}

interface Person {
  readonly email: string;
  access: string;
  refresh: string;
  /** The last bio that was acknowledged, and the last one that was sent: a number that grows. */
  acknowledged: number;
  sent: number;
}

export interface Load extends AsyncDisposable {
  readonly answers: readonly Answer[];
  /** Writes that were acknowledged so far. */
  readonly acknowledged: () => number;
  /** How often a server that is well again lost an acknowledged write, has back what it had ended, or does not know somebody. */
  readonly check: () => Promise<Readonly<Record<"lost" | "revived" | "shutOut", number>>>;
  /** Everybody has been answered well for a while; seconds from `since` until then, or Infinity when it never came. */
  readonly untilWell: (since: number, within: number) => Promise<number>;
}

/** `emails` are verified accounts. The last one signs in and out all the time; the others write and refresh. */
export async function startLoad(url: () => string, emails: readonly string[]): Promise<Load> {
  const answers: Answer[] = [];
  const over = new AbortController();
  const ask = async (
    kind: string,
    who: string,
    path: string,
    {
      method = "POST",
      body,
      access,
      key,
    }: { method?: string; body?: object; access?: string; key?: string } = {},
  ): Promise<Answer> => {
    const began = performance.now();
    const note = (status: number, body: Answer["body"] = {}) => {
      const answer = { kind, who, status, began, ended: performance.now(), body };
      answers.push(answer);
      return answer;
    };
    try {
      const response = await fetch(new URL(path, url()), {
        method,
        headers: {
          ...(body && { "content-type": "application/json" }),
          ...(access && { authorization: `Bearer ${access}` }),
          ...(key && { "idempotency-key": key }),
        },
        ...(body && { body: JSON.stringify(body) }),
        signal: AbortSignal.any([AbortSignal.timeout(patience), over.signal]),
      });
      const text = await response.text();
      return note(response.status, text.startsWith("{") ? (JSON.parse(text) as Answer["body"]) : {});
    } catch {
      return over.signal.aborted ? { kind, who, status: -1, began, ended: began, body: {} } : note(0);
    }
  };
  const signIn = (email: string, kind = "write") =>
    ask(kind, email, "/api/auth/login/", { body: { email, password } });
  const openProfile = (access: string, who: string, kind = "read") =>
    ask(kind, who, "/api/auth/profile/", { method: "GET", access });

  const people = await Promise.all(
    emails.slice(0, -1).map(async (email): Promise<Person> => {
      const { status, body } = await signIn(email, "start");
      if (status !== 200) throw new Error(`${email} could not sign in: ${status} ${JSON.stringify(body)}`);
      return { email, access: body.access ?? "", refresh: body.refresh ?? "", acknowledged: 0, sent: 0 };
    }),
  );
  const ended: string[] = [];
  let acknowledged = 0;

  const writeAndRefresh = async (person: Person) => {
    for (let turn = 1; !over.signal.aborted; turn += 1) {
      person.sent += 1;
      const bio = { body: { bio: String(person.sent) }, method: "PATCH", access: person.access };
      const written = await ask("write", person.email, "/api/auth/profile/", bio);
      if (written.status === 200) {
        person.acknowledged = person.sent;
        acknowledged += 1;
      }
      await openProfile(person.access, person.email);
      if (turn % 5 === 0) {
        // The same key until there is an answer: a refresh whose answer was lost is not a reuse.
        const key = `refresh-of-${person.refresh.slice(-24)}`;
        const renewed = await ask("write", person.email, "/api/auth/token/refresh/", {
          body: { refresh: person.refresh },
          key,
        });
        if (renewed.status === 200)
          Object.assign(person, { access: renewed.body.access, refresh: renewed.body.refresh });
      }
      await pause(100);
    }
  };
  const comeAndGo = async (email: string) => {
    while (!over.signal.aborted) {
      const { status, body } = await signIn(email);
      if (status === 200) {
        const left = await ask("write", email, "/api/auth/logout/", { body: { refresh: body.refresh } });
        if (left.status === 200) ended.push(body.access ?? "");
      }
      await pause(300);
    }
  };
  const watchHealth = async () => {
    for (; !over.signal.aborted; await pause(250))
      await ask("health", "health", "/_/health/", { method: "GET" });
  };
  const working = [...people.map(writeAndRefresh), comeAndGo(emails.at(-1) ?? ""), watchHealth()];

  const isWell = (since: number, who: string) => {
    const theirs = answers.filter((one) => one.who === who && one.kind !== "start" && one.began >= since);
    return theirs.length >= 5 && theirs.slice(-5).every(({ status }) => status === 200);
  };
  return {
    answers,
    acknowledged: () => acknowledged,
    untilWell: async (since, within) => {
      while (!emails.every((email) => isWell(since, email))) {
        if (performance.now() - since > within * 1000) return Number.POSITIVE_INFINITY;
        await pause(100);
      }
      const bad = answers.filter(
        ({ ended, status, kind }) => ended > since && status !== 200 && kind !== "health",
      );
      return Math.max(0, ...bad.map(({ ended }) => ended - since)) / 1000;
    },
    check: async () => {
      let [lost, revived, shutOut] = [0, 0, 0];
      for (const person of people) {
        // They go on meanwhile: what is acknowledged later may be later than what is read.
        const { acknowledged, access } = person;
        const { status, body } = await openProfile(access, person.email, "check");
        if (status !== 200) shutOut += 1;
        else if (Number(body.bio) < acknowledged) lost += 1;
      }
      for (const access of ended)
        if ((await openProfile(access, "gone", "check")).status === 200) revived += 1;
      return { lost, revived, shutOut };
    },
    [Symbol.asyncDispose]: async () => {
      over.abort();
      await Promise.all(working);
    },
  };
}
