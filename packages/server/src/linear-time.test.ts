/**
 * A text eight times as long takes eight times the steps, whatever it is made of and wherever it is sent: no request
 * holds up everybody else (CWE-407). `patterns.test.ts` says the same of regular expressions.
 */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { readSettingsText } from "./cli/settings-file.ts";
import { toVisibleJson, visible, wrap } from "./cli/visible.ts";
import { parseMailbox } from "./core/mail/mailbox.ts";
import { neutraliseName, toPlainLine } from "./core/mail/plain-line.ts";
import { isKnownFormat, verifyEncoded } from "./core/passwords/formats.ts";
import { findSimilarAttribute } from "./core/passwords/similarity.ts";
import { readCompact } from "./core/tokens/jws.ts";
import { parseDuration } from "./platform/duration.ts";
import { plainAddress } from "./platform/http/client-address.ts";
import { isEmailAddress } from "./platform/http/email-address.ts";
import { parseJson } from "./platform/json.ts";
import * as read from "./platform/readers.ts";
import { cleanValue } from "./platform/settings.ts";
import { isOneSlipAway } from "./platform/spelling.ts";
import { pickLanguage } from "./platform/texts.ts";
import { trimWhiteSpace } from "./platform/white-space.ts";
import { listOperations, pathOf } from "./testing/operations.ts";
import { createStepCounter, type StepCounter } from "./testing/steps.ts";
import { testAuth } from "./testing/test-auth.ts";

/** What parsers dislike most: their own signs again and again, with something at the end that fits nowhere. */
const nastiest: readonly (readonly [before: string, again: string, after: string])[] = [
  ...[" ", "\t", "\u3000", "\n", "a ", " a", "e\u0301", "ι\u0345", "\u{1f600}", "ﷺ"].map(
    (again) => ["a", again, "b"] as const,
  ),
  ...[".", "a.", "@", "a@", "-", "/", "//", ":", ";", ",", "~", "%", "%41", "=", "&", "&a=", "*", "_"].map(
    (again) => ["", again, "\u2028"] as const,
  ),
  ...['"', '\\"', "'", "\\", "<", "(", "[", "{", "$", "$1", "#", "A=\n", "A='\n", "1", "1.1", "9", "-1"].map(
    (again) => ["", again, "!"] as const,
  ),
  ...["eyJ", "eyJ.", "a.b.c.", "00000000-", "Bearer ", "device=x~", "en;q=0.5,", "--x\r\n"].map(
    (again) => ["", again, "x"] as const,
  ),
  ["sha256$", "1", "$"],
  ["$v=19$m=", "1", ",t=2,p=1$"],
];

/** As many bytes of it as asked for, about. */
function repeat([before, again, after]: (typeof nastiest)[number], bytes: number): string {
  return before + again.repeat(Math.floor(bytes / Buffer.byteLength(again))) + after;
}

/** One of each kind, where every text is a call of its own. */
const nastiestCalls = nastiest.filter((_, index) => index % 5 === 0);

/** How many times longer the long text is. */
const factor = 8;
const bodyBytes = 60_000;
/** Node reads no more than 16 KiB of a head. */
const headBytes = 15_000;

/** What steps there are however long the text is; among them mail and housekeeping, which come and go. */
const constant = 30_000;

async function assertLinear(
  steps: StepCounter,
  where: string,
  work: (text: string) => unknown,
  { most = bodyBytes, texts = nastiestCalls }: { most?: number; texts?: typeof nastiest } = {},
): Promise<void> {
  const count = (bytes: number) =>
    steps.count(async () => {
      for (const one of texts) await work(repeat(one, bytes));
    });
  // Once for what is only done at the first call.
  await work("");
  const [few, many] = [await count(most / factor), await count(most)];
  assert.ok(
    many <= 1.5 * factor * few + constant,
    `${where}: ${few} steps became ${many}, of ${factor} times the text`,
  );
}

describe("a long text", () => {
  const readers: Readonly<Record<string, (text: string) => unknown>> = {
    "white space": trimWhiteSpace,
    "an e-mail address": isEmailAddress,
    "a mailbox": parseMailbox,
    "a line of a mail": toPlainLine,
    "a name in a mail": neutraliseName,
    "a stored hash": (text) =>
      ["", "pbkdf2_", "pbkdf2_sha256$", "$argon2id$v=19$m=", "$2b$", "bcrypt_sha256$"].map((beginning) => [
        isKnownFormat(beginning + text),
        verifyEncoded("x", beginning + text),
      ]),
    "a password that is compared": (text) =>
      findSimilarAttribute(text.slice(0, 256), { username: text.slice(0, 150) }),
    "a token": (text) => readCompact(text, () => []),
    "an address of a network": plainAddress,
    "a language": (text) => pickLanguage(text, "en"),
    "a file of settings": (text) => readSettingsText(".env", text),
    "a duration": parseDuration,
    "a name of a setting": (text) => isOneSlipAway(text, `${text}x`),
    "the value of a setting": cleanValue,
    "a terminal's line": visible,
    "a line that is too wide": (text) => wrap(text, 4, 80),
    "JSON for a terminal": toVisibleJson,
    JSON: (text) => orError(() => parseJson(text)),
    ...Object.fromEntries(
      Object.entries({
        ...read,
        number: read.wholeNumber(0, 9),
        span: read.duration("1m", "1h"),
        word: read.oneOf("a"),
      })
        .filter(([, reader]) => typeof reader === "object")
        .map(([name, reader]) => [
          `the setting ${name}`,
          (text: string) => orError(() => (reader as { read: (text: string) => unknown }).read(text)),
        ]),
    ),
  };
  for (const [name, reader] of Object.entries(readers)) {
    it(`is read in linear time as ${name}`, async () => {
      using steps = await createStepCounter();
      await assertLinear(steps, name, reader, { texts: nastiest });
    });
  }

  it("is read in linear time in every field of every call", async () => {
    await using t = await testAuth({
      environment: { RATE_LIMITS: "off" },
      fields: {
        plan: { type: "oneOf", choices: ["free", "pro"], default: "free" },
        age: { type: "integer", default: null },
        born: { type: "date", default: null },
        newsletter: { type: "boolean", default: false },
        motto: { type: "text", default: "" },
        settings: { type: "json", default: null },
      },
    });
    using steps = await createStepCounter();
    const { access } = await (await t.person()).signIn();
    const operations = await listOperations(t);
    for (const operation of operations) {
      const { method, path } = operation;
      const send = (type: string, body: string) =>
        t.http.send(
          new Request(`http://localhost:8000${pathOf(operation, "x")}`, {
            method,
            headers: { "content-type": type, authorization: `Bearer ${access}` },
            body,
          }),
        );
      for (const field of operation.fields) {
        await assertLinear(steps, `${method} ${path} ${field}`, (text) =>
          send("application/json", JSON.stringify({ [field]: text }).slice(0, 65_000)),
        );
        await assertLinear(steps, `${method} ${path} ${field} of a form`, (text) =>
          send("application/x-www-form-urlencoded", `${field}=${text.toWellFormed()}`),
        );
      }
    }
    assert.ok(operations.length > 15);
  });

  it("is read in linear time as a whole body, of each kind", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off" } });
    using steps = await createStepCounter();
    const types = [
      "application/json",
      "application/x-www-form-urlencoded",
      "multipart/form-data; boundary=x",
      "x",
    ];
    for (const type of types) {
      await assertLinear(steps, type, (body) =>
        t.http.send(
          new Request("http://localhost:8000/api/auth/login/", {
            method: "POST",
            headers: { "content-type": type },
            body: body || "{}",
          }),
        ),
      );
    }
  });

  it("is read in linear time in a path, a query and every header", async () => {
    await using t = await testAuth({ environment: { RATE_LIMITS: "off", TRUSTED_PROXIES: "127.0.0.1" } });
    using steps = await createStepCounter();
    const { access } = await (await t.person()).signIn();
    const { paths } = (await t.http.get("/api/schema/")).body;
    const names = [
      ...[
        "accept",
        "accept-language",
        "authorization",
        "cookie",
        "device-token",
        "idempotency-key",
        "origin",
      ],
      ...[
        "referer",
        "user-agent",
        "x-forwarded-for",
        "x-request-id",
        "content-type",
        "sec-fetch-site",
        "forwarded",
      ],
      ...[
        "host",
        "access-control-request-method",
        "access-control-request-headers",
        "if-none-match",
        "range",
      ],
    ];
    const inHead = (text: string) => encodeURI(text.toWellFormed()).slice(0, headBytes);
    const head = { most: headBytes };
    for (const name of names) {
      const headers = (text: string) => ({ authorization: `Bearer ${access}`, [name]: inHead(text) });
      await assertLinear(
        steps,
        name,
        (text) => t.http.get("/api/auth/profile/", { headers: headers(text) }),
        head,
      );
      const device = (text: string) => ({ ...headers(text), "content-type": "application/json" });
      await assertLinear(
        steps,
        `${name} of a sign-in`,
        (text) =>
          t.http.post("/api/auth/login/", { email: "a@x.test", password: "x" }, { headers: device(text) }),
        head,
      );
    }
    const places = Object.keys(paths).flatMap((path: string) => [
      (text: string) => path.replace(/\{\w+\}/g, "x") + `/${text}`,
      (text: string) => path.replace(/\{\w+\}/g, text),
      (text: string) =>
        `${path.replace(/\{\w+\}/g, "x")}?limit=${text}&cursor=${text}&to=${text}&wait=${text}`,
    ]);
    for (const place of [
      ...places,
      (text: string) => `/reset-password/${text}/`,
      (text: string) => `/x${text}`,
    ]) {
      await assertLinear(
        steps,
        place("…"),
        (text) => t.http.get(place(inHead(text)), { token: access }),
        head,
      );
    }
  });

  it("would be noticed if it took more", async () => {
    using steps = await createStepCounter();
    let turns = 0;
    const slow = (text: string) => {
      for (let end = 0; end < text.length; end += 100) {
        for (let at = 0; at < end; at += 100) turns += 1;
      }
    };
    await assert.rejects(assertLinear(steps, "slow", slow), /steps became/);
    assert.ok(turns > 0);
  });
});

function orError(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}
