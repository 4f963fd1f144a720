/** Misspells, one letter at a time, every option of every table that a person writes: none may be passed over. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { authOptions, createAuth } from "./auth.ts";
import { type Config, loadConfig } from "./config.ts";
import { defineFields, fieldOptions, type UserFields } from "./core/accounts/fields.ts";
import * as features from "./core/feature-options.ts";
import type { Options } from "./platform/options.ts";
import { serve, serveOptions } from "./serve.ts";
import { testAuth } from "./testing/test-auth.ts";

type Refuse = (table: Readonly<Record<string, unknown>>) => unknown;

const { config } = loadConfig({});

/** A system with one feature, which has one part of a kind. */
const withFeature = (part: Readonly<Record<string, unknown>>) =>
  createAuth({ config, features: [{ name: "own", ...part }] });
const inEndpoint = (part: Readonly<Record<string, unknown>>) => withFeature({ endpoints: [part as never] });

/** Every table, by what it is of; and what refuses one that is wrong. */
const tables: Readonly<Record<string, readonly [options: Options, refuse: Refuse]>> = {
  ...Object.fromEntries(
    Object.entries<Options>(fieldOptions).map(([type, options]) => [
      `a ${type} field`,
      [options, (field) => defineFields({ own: { type, ...field } } as unknown as UserFields)] as const,
    ]),
  ),
  createAuth: [authOptions, (options) => createAuth(options as never)],
  serve: [
    serveOptions,
    async (options) => {
      await using t = await testAuth();
      await serve(t.auth, options as never);
    },
  ],
  "a feature": [features.featureOptions, withFeature],
  "an endpoint": [features.endpointOptions, inEndpoint],
  "an endpoint's access": [features.accessOptions, (access) => inEndpoint({ access })],
  "an endpoint's body": [features.formOptions, (body) => inEndpoint({ body })],
  "a limit": [features.limitOptions, (limit) => inEndpoint({ limit: [limit] })],
  "a page": [features.pageOptions, (page) => withFeature({ pages: [page as never] })],
  "a page's limit": [features.limitOptions, (limit) => withFeature({ pages: [{ limit: [limit] } as never] })],
  "a mail": [features.mailOptions, (mail) => withFeature({ mails: [mail as never] })],
  "a reaction": [features.reactionOptions, (one) => withFeature({ reactions: [one as never] })],
  "a job": [features.jobOptions, (job) => withFeature({ jobs: [job as never] })],
};

/** A word with each of its letters left out, doubled and swapped with the next, in turn. */
function misspell(word: string): string[] {
  const found = [...word].flatMap((letter, at) => {
    const [before, after] = [word.slice(0, at), word.slice(at + 1)];
    return [
      before + after,
      before + letter + letter + after,
      before + (after[0] ?? "x") + letter + after.slice(1),
    ];
  });
  return [...new Set(found)].filter((one) => one !== word && one !== "");
}

describe("every option that a person can write", () => {
  for (const [what, [options, refuse]] of Object.entries(tables)) {
    for (const word of Object.keys(options)) {
      it(`is told by what was meant when it is misspelt: "${word}" of ${what}`, async () => {
        for (const wrong of misspell(word)) {
          await assert.rejects(async () => refuse({ [wrong]: "x" }), {
            name: "DeclarationRefused",
            message: new RegExp(`has no option "${wrong}": did you mean "${word}"\\?`),
          });
        }
      });

      it(`is refused with a value that it cannot have: "${word}" of ${what}`, async () => {
        const value = [Symbol("nothing"), 0, "x", []].find((one) => !options[word]?.accepts(one));
        if (value === undefined) return assert.equal(options[word]?.kind, "anything");
        await assert.rejects(async () => refuse({ [word]: value }), {
          name: "DeclarationRefused",
          message: new RegExp(`"${word}": |of no type we know`),
        });
      });
    }
  }

  it("is told of settings too, in every group", async () => {
    const groups = Object.entries(config).filter(([name]) =>
      ["database", "mail", "tokens", "passwords", "limits"].includes(name),
    );
    assert.equal(groups.length, 5);
    const places: [string, Readonly<Record<string, unknown>>, (changed: object) => object][] = [
      ["config", { ...config }, (changed) => changed],
      ...groups.map(
        ([name, values]) =>
          [`config.${name}`, values, (changed: object) => ({ ...config, [name]: changed })] as [
            string,
            Readonly<Record<string, unknown>>,
            (changed: object) => object,
          ],
      ),
    ];
    for (const [path, values, wrap] of places) {
      for (const word of Object.keys(values)) {
        for (const wrong of misspell(word)) {
          const said = { message: new RegExp(`^${path} has no setting "${wrong}": did you mean "`, "m") };
          await assert.rejects(createAuth({ config: wrap({ ...values, [wrong]: 1 }) as Config }), said);
        }
      }
    }
  });

  it("is refused of settings with a value of another type", async () => {
    for (const changed of [
      { rateLimits: "off" },
      { revealAccounts: "off" },
      { rateLimits: undefined },
      { tokens: { ...config.tokens, reuse: undefined } },
      { passwords: { ...config.passwords, minLength: "15" } },
      { tokens: { ...config.tokens, reuse: "revok" } },
      { mode: "prod" },
      { limits: undefined },
      { auditRetention: Number.NaN },
    ]) {
      const said = { name: "DeclarationRefused", message: /^config\.[\w.]+ is .*, and must be / };
      await assert.rejects(createAuth({ config: { ...config, ...changed } as unknown as Config }), said);
    }
  });

  it("is all told at once", async () => {
    const options = {
      config: { ...config, rateLimit: false },
      fields: { plan: { type: "text", requird: true } },
      features: [{ name: "own", gate: [] }],
    };
    await assert.rejects(createAuth(options as never), {
      problems: [
        'config has no setting "rateLimit": did you mean "rateLimits"?',
        'The feature "own" has no option "gate": did you mean "gates"?',
        'The user field "plan" has no option "requird": did you mean "required"?',
      ],
    });
  });
});
