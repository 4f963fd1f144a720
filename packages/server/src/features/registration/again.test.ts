import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { mailedCode } from "../../testing/mail-code.ts";
import { sweep } from "../../testing/sweep.ts";
import { type TestAuth, testAuth } from "../../testing/test-auth.ts";

const email = "owner@example.org";
const passwords = ["Blue-Harbour-71", "Green-Valley-82", "Red-Moon-5512", "Grey-Falcon-93"] as const;
const [ownPassword, , strangePassword] = passwords;
const newPassword = "Quiet-River-4460";
const openRates = { environment: { RATE_LIMITS: "off" } };

const ownForm = { "content-type": "application/x-www-form-urlencoded", "sec-fetch-site": "same-origin" };

/** Somebody at a browser, which keeps the device token of every answer as it keeps the cookie. */
function browserOf(t: TestAuth) {
  let device = "";
  const post = async (path: string, body?: unknown, headers: Readonly<Record<string, string>> = {}) => {
    const answer = await t.http.post(path, body, { device, headers });
    device = answer.headers.get("device-token") ?? device;
    return answer;
  };
  return {
    register: async (over: Readonly<Record<string, unknown>>) => {
      const answer = await post("/api/auth/register/", {
        ...{ email, first_name: "", last_name: "" },
        ...over,
        password2: over.password,
      });
      assert.equal(answer.status, 201, answer.text);
      assert.deepEqual(Object.keys(answer.body), ["detail"]);
    },
    /** Opens a page of another site, which sends a form of its own to us. */
    visit: async (form: Readonly<Record<string, string>>) => {
      const body = new URLSearchParams({ email, first_name: "", last_name: "", ...form }).toString();
      const { status } = await post("/api/auth/register/", body, {
        ...{ "content-type": "application/x-www-form-urlencoded", origin: "https://evil.example" },
        ...{ "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate" },
      });
      assert.equal(status, 201);
    },
    open: async (token: string) => post(`/api/auth/verify-email/${token}/`),
    /** Presses the button of our own page, and gives the way to a first password that it shows, if it does. */
    press: async (token: string) => {
      const { text } = await post(`/verify-email/${token}/`, "", ownForm);
      return /href="\.\.\/\.\.(\/reset-password\/[0-9a-f-]{36}\/)"/.exec(text)?.[1];
    },
    choose: async (path: string, password: string) =>
      post(path, new URLSearchParams({ password, again: password }).toString(), ownForm),
    type: async (code: string, to = email) => post("/api/auth/verify-email/", { email: to, code }),
  };
}

const verified = [200, { detail: "Email verified successfully. You can now log in." }];
const passwordMissing = [
  200,
  {
    detail: "Email verified successfully. Now choose a password: a link for that has been mailed to you.",
  },
];
/** What a username is that nobody typed. */
const neutralName = /^user-[0-9a-f]{16}$/;
const signsIn = async (t: TestAuth, password: string, to = email) =>
  (await t.http.post("/api/auth/login/", { email: to, password })).status === 200;
const account = async (t: TestAuth) => (await t.rows("accounts")).find((row) => row.email === email) ?? {};
const mailNames = async (t: TestAuth) => (await t.mailbox()).map(({ mail }) => mail);

describe("registering an unverified address again", () => {
  it("believes the owner's password when the link is opened where the owner registered, stranger first", async () => {
    await using t = await testAuth();
    const [stranger, owner] = [browserOf(t), browserOf(t)];
    const strange = {
      username: "eve",
      password: strangePassword,
      first_name: "Eve",
      bio: "Buy at evil.test",
    };
    await stranger.register(strange);
    await owner.register({ username: "owner", password: ownPassword, first_name: "Olga" });
    const opened = await owner.open(await t.linkToken("verify-email", email));
    assert.deepEqual([opened.status, opened.body], verified);
    assert.deepEqual([await signsIn(t, ownPassword), await signsIn(t, strangePassword)], [true, false]);
    const { username, first_name, bio } = await account(t);
    assert.deepEqual(
      [username, first_name, bio],
      ["owner", "Olga", ""],
      "the stranger left something behind",
    );
    assert.deepEqual(await t.rows("registration_attempts"), []);
  });

  it("believes it too when the stranger came afterwards, and by a link that was mailed before", async () => {
    await using t = await testAuth();
    const [stranger, owner] = [browserOf(t), browserOf(t)];
    await owner.register({ username: "owner", password: ownPassword });
    const link = await t.linkToken("verify-email", email);
    await stranger.register({ username: "eve", password: strangePassword });
    const opened = await owner.open(link);
    assert.deepEqual([opened.status, opened.body], verified);
    assert.deepEqual([await signsIn(t, ownPassword), await signsIn(t, strangePassword)], [true, false]);
    assert.equal((await account(t)).username, "owner");
  });

  it("believes nobody's when the link is opened elsewhere, and mails a link to a new one at once", async () => {
    await using t = await testAuth();
    await browserOf(t).register({ username: "eve", password: strangePassword });
    await browserOf(t).register({ username: "owner", password: ownPassword });
    const link = await t.linkToken("verify-email", email);
    for (const _ of ["pressed", "pressed again"]) {
      const opened = await browserOf(t).open(link);
      assert.deepEqual([opened.status, opened.body], passwordMissing);
    }
    assert.deepEqual([await signsIn(t, ownPassword), await signsIn(t, strangePassword)], [false, false]);
    assert.deepEqual(await t.happened(), [
      ...["registration.requested", "registration.requested", "email.verified"],
      ...["password.reset_requested", "sign_in.failed", "sign_in.failed"],
    ]);
    assert.deepEqual(await mailNames(t), ["verify-email", "reset-password"]);
    const token = await t.linkToken("reset-password", email);
    const mail = (await t.mailbox()).at(-1);
    assert.equal(mail?.subject, "Choose your ImagAIne password");
    assert.match(mail?.text ?? "", /Your address is verified\. One step is left .*: choose a password\./);
    assert.doesNotMatch(mail?.text ?? "", /to reset|new password|stays as it is/);
    await t.auth.passwordReset.complete(token, newPassword);
    assert.equal(await signsIn(t, newPassword), true);
    const again = await browserOf(t).open(link);
    assert.deepEqual([again.status, again.body], verified, "now it is true");
  });

  it("says in every way that a password is missing, in the reader's language, and welcomes nobody yet", async () => {
    await using t = await testAuth({ environment: { WELCOME_EMAIL: "on" } });
    await browserOf(t).register({ username: "eve", password: strangePassword });
    await browserOf(t).register({ username: "owner", password: ownPassword });
    const code = await mailedCode(t, email);
    const typed = await t.http.post(
      "/api/auth/verify-email/",
      { email, code },
      { headers: { "accept-language": "pt-BR" } },
    );
    const detail =
      "E-mail confirmado com sucesso. Agora escolha uma senha: enviamos um link para isso por e-mail.";
    assert.deepEqual([typed.status, typed.body], [200, { detail }]);
    const token = await t.linkToken("verify-email", email);
    const headers = { accept: "application/json", "sec-fetch-mode": "cors" };
    const byScript = await t.http.get(`/api/auth/verify-email/${token}/`, { headers });
    assert.deepEqual([byScript.status, byScript.body], passwordMissing);
    assert.deepEqual(await mailNames(t), ["verify-email", "reset-password"]);
    assert.match((await t.mailbox()).at(-1)?.subject ?? "", /^Escolha sua senha/);
  });

  it("leaves nothing that was typed when somebody else than its author verifies, be it by link, code or reset", async () => {
    const ways: Record<string, (t: TestAuth) => Promise<unknown>> = {
      link: async (t) => t.auth.emailVerification.verify(await t.linkToken("verify-email", email)),
      code: async (t) => t.auth.emailVerification.verifyByCode(email, await mailedCode(t, email)),
      reset: async (t) => {
        await t.auth.passwordReset.request(email);
        return t.auth.passwordReset.complete(await t.linkToken("reset-password", email), newPassword);
      },
    };
    for (const [way, verify] of Object.entries(ways)) {
      await using t = await testAuth({
        fields: {
          phone: { type: "text", unique: true },
          plan: { type: "oneOf", choices: ["free", "pro"], default: "free", writableBy: "admin" },
          motto: { type: "text", default: "None yet." },
          settings: { type: "json", default: { theme: "dark" } },
        },
      });
      const typed = { first_name: "Eve", last_name: "Evil", bio: "Buy at evil.test", phone: "+1 5550100" };
      const more = { motto: "Evil!", settings: { evil: true } };
      await browserOf(t).register({ username: "owner", password: strangePassword, ...typed, ...more });
      await browserOf(t).register({ username: "eve", password: ownPassword, ...typed, phone: "+1 5550101" });
      await verify(t);
      const row = await account(t);
      assert.match(String(row.username), neutralName, way);
      assert.equal(row.username_canonical, row.username);
      assert.deepEqual(
        [row.first_name, row.last_name, row.bio, row.phone, row.motto, row.plan],
        ["", "", "", null, "None yet.", "free"],
        way,
      );
      assert.deepEqual(JSON.parse(String(row.settings)), { theme: "dark" });
      assert.doesNotMatch(JSON.stringify(await t.rows("accounts")), /[Ee]v[ie]l|eve|5550/, way);
    }
  });

  it("leaves what an operator typed, which is no stranger's", async () => {
    await using t = await testAuth();
    const user = { email, username: "olga", password: ownPassword, fields: { first_name: "Olga" } };
    await t.auth.administration.createUser(user, { isVerified: false });
    await browserOf(t).register({ username: "eve", password: strangePassword, first_name: "Eve" });
    await browserOf(t).open(await t.linkToken("verify-email", email));
    const { username, first_name, password_hash } = await account(t);
    assert.deepEqual([username, first_name, password_hash], ["olga", "Olga", null]);
  });

  it("believes the owner's though another site's page registered the address from the owner's browser", async () => {
    await using t = await testAuth();
    const owner = browserOf(t);
    await owner.register({ username: "owner", password: ownPassword });
    t.clock.advance("1s");
    await owner.visit({ username: "eve", password: strangePassword, password2: strangePassword });
    await owner.open(await t.linkToken("verify-email", email));
    assert.deepEqual([await signsIn(t, ownPassword), await signsIn(t, strangePassword)], [true, false]);
  });

  it("lets the code, typed where the owner registered, count like the link", async () => {
    await using t = await testAuth();
    const [stranger, owner] = [browserOf(t), browserOf(t)];
    await owner.register({ username: "owner", password: ownPassword });
    await stranger.register({ username: "eve", password: strangePassword });
    assert.equal((await owner.type(await mailedCode(t, email))).status, 200);
    assert.deepEqual([await signsIn(t, ownPassword), await signsIn(t, strangePassword)], [true, false]);
  });

  it("changes nothing with the same password, and both browsers count as the one who registered", async () => {
    await using t = await testAuth();
    const [first, second, stranger] = [browserOf(t), browserOf(t), browserOf(t)];
    await first.register({ username: "owner", password: ownPassword });
    const before = (await account(t)).password_hash;
    await second.register({ username: "owner2", password: ownPassword });
    assert.equal((await account(t)).password_hash, before);
    await stranger.register({ username: "eve", password: strangePassword });
    await second.open(await t.linkToken("verify-email", email));
    assert.deepEqual([await signsIn(t, ownPassword), await signsIn(t, strangePassword)], [true, false]);
  });

  it("keeps what the first form said when a second one with the same password says something else", async () => {
    await using t = await testAuth();
    const [first, second] = [browserOf(t), browserOf(t)];
    await first.register({ username: "owner", password: ownPassword, bio: "First." });
    await second.register({ username: "owner2", password: ownPassword, bio: "Second." });
    await second.open(await t.linkToken("verify-email", email));
    const { username, bio } = await account(t);
    assert.deepEqual([username, bio], ["owner", "First."]);
  });

  it("takes no password from an owner who verifies while a stranger registers", async () => {
    await using t = await testAuth(openRates);
    for (let n = 0; n < 10; n += 1) {
      const to = `owner${n}@example.org`;
      const owner = browserOf(t);
      await owner.register({ email: to, username: `owner${n}`, password: ownPassword });
      const link = await t.linkToken("verify-email", to);
      const [, opened] = await Promise.all([
        browserOf(t).register({ email: to, username: `eve${n}`, password: strangePassword }),
        owner.open(link),
      ]);
      assert.deepEqual([opened.status, opened.body], verified);
      assert.equal(await signsIn(t, ownPassword, to), true, "the owner was shut out");
      assert.equal(await signsIn(t, strangePassword, to), false, "the stranger got in");
    }
    assert.deepEqual(await t.rows("registration_attempts"), [], "an attempt outlived the verification");
  });

  it("keeps twenty attempts at most, and mails a new link to an owner whose own was pushed out", async () => {
    await using t = await testAuth(openRates);
    const owner = browserOf(t);
    await owner.register({ username: "owner", password: ownPassword });
    for (let n = 0; n < 25; n += 1) {
      t.clock.advance("1s");
      await browserOf(t).register({ username: `eve${n}`, password: `Red-Moon-${n}-55` });
    }
    assert.equal((await t.rows("registration_attempts")).length, 20);
    await owner.open(await t.linkToken("verify-email", email));
    assert.equal(await signsIn(t, ownPassword), false);
    assert.equal((await mailNames(t)).at(-1), "reset-password");
  });

  it("goes without a name, or another value for one account only, that somebody took meanwhile", async () => {
    await using t = await testAuth({ ...openRates, fields: { phone: { type: "text", unique: true } } });
    const [owner, stranger] = [browserOf(t), browserOf(t)];
    await stranger.register({ username: "eve", password: strangePassword, phone: "+1 5550100" });
    await owner.register({ username: "owner", password: ownPassword, phone: "+1 5550123" });
    await t.person({ email: "else@example.org", username: "owner", fields: { phone: "+1 5550123" } });
    const opened = await owner.open(await t.linkToken("verify-email", email));
    assert.deepEqual([opened.status, opened.body], verified);
    const { username, phone } = await account(t);
    assert.match(String(username), neutralName);
    assert.equal(phone, null);
    assert.equal(await signsIn(t, ownPassword), true);
  });

  it("leaves all or nothing when a disputed address is verified, whichever statement fails", async () => {
    const dispute = async (t: TestAuth) => {
      await browserOf(t).register({ username: "eve", password: strangePassword });
      await browserOf(t).register({ username: "owner", password: ownPassword });
    };
    await sweep(async (t) => {
      await dispute(t);
      const link = await t.linkToken("verify-email", email);
      return () => t.auth.emailVerification.verify(link);
    });
    await sweep(async (t) => {
      await dispute(t);
      const code = await mailedCode(t, email);
      return () => t.auth.emailVerification.verifyByCode(email, code);
    });
  });
});

const browsers = ["owner's", "owner's other", "stranger's"] as const;
type Step =
  | { readonly does: "register"; readonly in: (typeof browsers)[number]; readonly password: string }
  | { readonly does: "visit"; readonly in: (typeof browsers)[number] }
  | { readonly does: "resend" }
  | {
      readonly does: "verify";
      readonly in: string;
      readonly by: "link" | "code" | "page";
      readonly which: number;
    }
  | { readonly does: "choose" }
  | { readonly does: "reset" }
  | { readonly does: "login"; readonly password: string };

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        does: fc.constant("register" as const),
        in: fc.constantFrom(...browsers),
        password: fc.constantFrom(...passwords),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ does: fc.constant("visit" as const), in: fc.constantFrom(...browsers) }),
    },
    { weight: 1, arbitrary: fc.constant({ does: "resend" as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        does: fc.constant("verify" as const),
        in: fc.constantFrom(...browsers, "another"),
        by: fc.constantFrom("link" as const, "code" as const, "page" as const),
        which: fc.nat(9),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ does: "choose" as const }) },
    { weight: 1, arbitrary: fc.constant({ does: "reset" as const }) },
    {
      weight: 2,
      arbitrary: fc.record({
        does: fc.constant("login" as const),
        password: fc.constantFrom(...passwords, newPassword),
      }),
    },
  ),
  { minLength: 3, maxLength: 12 },
);

/** What must be true of one address, worked out from what was done to it and from nothing that the system keeps. */
class Model {
  attempts: { readonly in: string; readonly password: string; readonly bio: string }[] = [];
  isVerified = false;
  /** Null: none. */
  settled: string | null = null;
  bio: string | undefined;

  get isDisputed(): boolean {
    return new Set(this.attempts.map(({ password }) => password)).size > 1;
  }

  verify(browser: string): void {
    if (this.isVerified || this.attempts.length === 0) return;
    this.isVerified = true;
    const counts = this.isDisputed
      ? this.attempts.findLast((attempt) => attempt.in === browser)
      : this.attempts[0];
    this.settled = counts?.password ?? null;
    this.bio = counts?.bio ?? "";
  }

  /** By a mailed link, which proves the mailbox and nothing else. */
  reset(): void {
    if (!this.isVerified) this.verify("no browser of anybody's");
    this.settled = newPassword;
  }

  login(password: string): string {
    if (this.isVerified && password === this.settled) return "in";
    const isOnlyOne = !this.isDisputed && this.attempts[0]?.password === password;
    return !this.isVerified && isOnlyOne ? "not verified" : "refused";
  }
}

describe("an address that anybody may register, in any order", () => {
  it("ends with a password that the verifying browser chose, or the only one, or none", async () => {
    await using t = await testAuth(openRates);
    let run = 0;
    await fc.assert(
      fc.asyncProperty(steps, async (list) => {
        run += 1;
        await playAndCompare(t, `owner${run}@example.org`, list);
      }),
      { numRuns: 50 },
    );
  });
});

async function playAndCompare(t: TestAuth, to: string, list: readonly Step[]): Promise<void> {
  const model = new Model();
  const at = new Map([...browsers, "another"].map((name) => [name, browserOf(t)] as const));
  /** Every link that was mailed, of which the three newest work. */
  const links: string[] = [];
  let count = 0;
  const register = async (name: string, password: string, isForeign = false) => {
    count += 1;
    const bio = `Bio ${count}`;
    const form = { email: to, username: `${to.split("@")[0]}x${count}`, password, bio };
    if (isForeign) await at.get(name)?.visit({ ...form, password2: password });
    else await at.get(name)?.register(form);
    if (model.isVerified) return;
    model.attempts.push({ in: isForeign ? "another site" : name, password, bio });
    links.push(await t.linkToken("verify-email", to));
  };
  const offers: string[] = [];
  const login = async (password: string) => {
    const { status, text } = await t.http.post("/api/auth/login/", { email: to, password });
    return status === 200 ? "in" : text.includes("verify") ? "not verified" : "refused";
  };
  for (const step of list) {
    t.clock.advance("1s");
    if (step.does === "register") await register(step.in, step.password);
    if (step.does === "visit") await register(step.in, strangePassword, true);
    if (step.does === "resend") {
      await t.http.post("/api/auth/verify-email/resend/", { email: to });
      if (links.length > 0 && !model.isVerified) links.push(await t.linkToken("verify-email", to));
      // Else nobody has it yet: the order goes at once, and does not lie until somebody registers it.
      else await t.mailbox();
    }
    if (step.does === "login") assert.equal(await login(step.password), model.login(step.password));
    if (step.does === "verify" && links.length > 0) {
      const browser = at.get(step.in);
      const link = links[step.which % links.length] ?? "";
      const wasVerified = model.isVerified;
      if (step.by === "link") await browser?.open(link);
      if (step.by === "code") await browser?.type(await mailedCode(t, to), to);
      const offer = step.by === "page" ? await browser?.press(link) : undefined;
      if (step.by === "code" || links.slice(-3).includes(link)) model.verify(step.in);
      const isDue = step.by === "page" && !wasVerified && model.isVerified && model.settled === null;
      assert.equal(offer !== undefined, isDue, "a way to a first password");
      if (offer) offers.push(offer);
    }
    if (step.does === "choose" && offers[0]) {
      const { status } = (await at.get("another")?.choose(offers[0], newPassword)) ?? {};
      assert.equal(status, model.settled === null ? 200 : 400);
      model.settled ??= newPassword;
    }
    if (step.does === "reset" && links.length > 0) {
      await t.auth.passwordReset.request(to);
      await t.auth.passwordReset.complete(await t.linkToken("reset-password", to), newPassword);
      model.reset();
    }
  }
  await register("stranger's", strangePassword);
  for (const password of [...passwords, newPassword]) {
    assert.equal(await login(password), model.login(password), password);
  }
  const row = (await t.rows("accounts")).find((one) => one.email === to);
  assert.equal(row?.verified_at !== null, model.isVerified);
  if (model.bio === undefined) return;
  assert.equal(row?.bio, model.bio);
  if (model.bio === "") assert.match(String(row?.username), neutralName);
  if (model.isVerified && model.settled === null) {
    assert.ok((await t.mailbox()).some((mail) => mail.mail === "reset-password" && mail.to === to));
  }
}
