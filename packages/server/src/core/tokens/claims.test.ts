/** What a token may say, and what is said of one that says something else. */

import assert from "node:assert/strict";
import { createSecretKey } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { type ClaimsExpectation, type ClaimsProblem, type ClaimsResult, checkClaims } from "./claims.ts";
import { readCompact } from "./jws.ts";
import { type Door, mintRecipe, readRecorded, recipes, recordedSecret } from "./recordings.testing.ts";

const nowSeconds = 1_764_000_000;
const now = new Date(nowSeconds * 1000);
const user = "a11ce000-0000-4000-8000-000000000001";
const session = "5e551000-0000-4000-8000-000000000001";
const issuer = "https://auth.example.com";

/** As simplejwt writes it. */
const plain = {
  token_type: "access",
  exp: nowSeconds + 900,
  iat: nowSeconds,
  jti: "0123456789abcdef0123456789abcdef",
  user_id: user,
};
const own = { ...plain, sid: session, iss: issuer, aud: "api", auth_time: nowSeconds - 60, amr: ["pwd"] };

function check(payload: Record<string, unknown>, expected: Partial<ClaimsExpectation> = {}): ClaimsResult {
  return checkClaims(payload, {
    kind: "access",
    now,
    leewaySeconds: 0,
    issuer,
    audience: "api",
    ...expected,
  });
}

function outcome(payload: Record<string, unknown>, expected?: Partial<ClaimsExpectation>): string {
  const result = check(payload, expected);
  return result.ok ? "ok" : result.problem;
}

describe("the claims of a good token", () => {
  it("are read into types, ours with session, sign-in time and methods", () => {
    assert.deepEqual(check({ ...own, token_type: "refresh", seq: 3 }, { kind: "refresh" }), {
      ok: true,
      claims: {
        tokenType: "refresh",
        expiresAt: new Date((nowSeconds + 900) * 1000),
        issuedAt: now,
        id: "0123456789abcdef0123456789abcdef",
        userId: user,
        sessionId: session,
        sequence: 3,
        authTime: new Date((nowSeconds - 60) * 1000),
        methods: ["pwd"],
      },
    });
  });

  it("of simplejwt hold no claim of ours, whatever theirs are called", () => {
    const { iat: _, ...withoutIat } = plain;
    assert.deepEqual(check({ ...withoutIat, seq: "first", amr: 5, auth_time: "noon", role: "admin" }), {
      ok: true,
      claims: { tokenType: "access", expiresAt: new Date(plain.exp * 1000), id: plain.jti, userId: user },
    });
  });
});

describe("the times of a token", () => {
  const cases: [string, Record<string, unknown>, string][] = [
    ["exp a second ahead", { exp: nowSeconds + 1 }, "ok"],
    ["exp this very second", { exp: nowSeconds }, "invalid"],
    ["exp a second ago", { exp: nowSeconds - 1 }, "invalid"],
    ["exp 0", { exp: 0 }, "invalid"],
    ["exp negative", { exp: -5 }, "invalid"],
    ["exp as text", { exp: String(nowSeconds + 900) }, "invalid"],
    ["exp a word", { exp: "soon" }, "invalid"],
    ["exp a fraction", { exp: nowSeconds + 900.5 }, "invalid"],
    ["exp true", { exp: true }, "invalid"],
    ["exp null", { exp: null }, "invalid"],
    ["exp a list", { exp: [nowSeconds + 900] }, "invalid"],
    ["exp an object", { exp: {} }, "invalid"],
    ["exp infinite", JSON.parse('{"exp": 1e400}') as Record<string, unknown>, "invalid"],
    ["exp not a number", { exp: Number.NaN }, "invalid"],
    ["exp beyond whole numbers", { exp: 2 ** 53 }, "invalid"],
    ["exp beyond every calendar", { exp: 1_000_000_000_000_000 }, "invalid"],
    ["exp in milliseconds", { exp: (nowSeconds + 900) * 1000 }, "invalid"],
    ["exp missing", { exp: undefined }, "no_expiry"],
    ["nbf past", { nbf: nowSeconds - 600 }, "ok"],
    ["nbf a second ahead", { nbf: nowSeconds + 1 }, "invalid"],
    ["nbf as text", { nbf: "0" }, "invalid"],
    ["nbf null", { nbf: null }, "invalid"],
    ["iat a second ahead", { iat: nowSeconds + 1 }, "invalid"],
    ["iat a word", { iat: "x" }, "invalid"],
    ["iat a fraction", { iat: nowSeconds - 0.5 }, "invalid"],
  ];
  for (const [name, claims, expected] of cases) {
    it(`${name}: ${expected}`, () => {
      assert.equal(outcome({ ...plain, ...claims }), expected);
      assert.equal(outcome({ ...own, ...claims }), expected);
    });
  }

  it("may begin ahead of now by the leeway and not a second more", () => {
    const late = { leewaySeconds: 30 };
    assert.equal(outcome({ ...plain, nbf: nowSeconds + 30, iat: nowSeconds + 30 }, late), "ok");
    assert.equal(outcome({ ...plain, nbf: nowSeconds + 31 }, late), "invalid");
    assert.equal(outcome({ ...plain, iat: nowSeconds + 31 }, late), "invalid");
  });

  it("end on the second, whatever the leeway", () => {
    const late = { leewaySeconds: 30 };
    assert.equal(outcome({ ...plain, exp: nowSeconds + 1 }, late), "ok");
    assert.equal(outcome({ ...plain, exp: nowSeconds }, late), "invalid");
    assert.equal(outcome({ ...own, exp: nowSeconds }, late), "invalid");
  });

  it("cannot be given more than half a minute of leeway", () => {
    for (const leewaySeconds of [31, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
      assert.throws(() => check(plain, { leewaySeconds }), RangeError);
    }
  });
});

describe("issuer and audience of a token of ours", () => {
  const wrong: [string, Record<string, unknown>][] = [
    ["iss missing", { iss: undefined }],
    ["iss of another", { iss: "https://evil.example" }],
    ["iss a list with ours in it", { iss: ["https://evil.example", issuer] }],
    ["iss a list of ours alone", { iss: [issuer] }],
    ["iss in another case", { iss: "https://AUTH.example.com" }],
    ["iss with a final slash", { iss: `${issuer}/` }],
    ["iss null", { iss: null }],
    ["aud missing", { aud: undefined }],
    ["aud of another", { aud: "other" }],
    ["aud a list with ours in it", { aud: ["other", "api"] }],
    ["aud a list of ours alone", { aud: ["api"] }],
    ["aud that ours begins", { aud: "api2" }],
    ["aud that begins ours", { aud: "ap" }],
    ["aud empty", { aud: "" }],
  ];
  for (const [name, claims] of wrong) {
    it(`${name}: invalid`, () => assert.equal(outcome({ ...own, ...claims }), "invalid"));
  }

  it("count for nothing in a token of simplejwt, as in the original", () => {
    assert.equal(outcome({ ...plain, iss: "someone", aud: "someone" }), "ok");
  });

  it("an audience is refused where none is configured (RFC 7519, 4.1.3)", () => {
    assert.equal(outcome(own, { audience: undefined }), "invalid");
    assert.equal(outcome({ ...own, aud: undefined }, { audience: undefined }), "ok");
  });
});

describe("ids in a token", () => {
  const badIds = [null, 5, true, [], {}, "", " ", "abc", user.toUpperCase(), user.replaceAll("-", "")];
  const moreBadIds = [
    `{${user}}`,
    `urn:uuid:${user}`,
    `${user}\n`,
    ` ${user}`,
    [user],
    `${user.slice(0, -1)}g`,
  ];

  it("a user id that is no lower-case UUID belongs to nobody", () => {
    for (const id of [...badIds, ...moreBadIds]) {
      assert.equal(outcome({ ...plain, user_id: id }), "unknown_user", JSON.stringify(id));
    }
    assert.equal(outcome({ ...plain, user_id: undefined }), "no_user");
  });

  it("a session id that is no lower-case UUID is no way past the checks of our tokens", () => {
    for (const id of [...badIds, ...moreBadIds]) {
      assert.equal(outcome({ ...own, sid: id }), "invalid", JSON.stringify(id));
      assert.equal(outcome({ ...plain, sid: id }), "invalid", JSON.stringify(id));
    }
  });

  it("a token id is text of 1 to 64 characters", () => {
    for (const id of [null, 5, true, [], {}, "", "x".repeat(65)]) {
      assert.equal(outcome({ ...plain, jti: id }), "invalid", JSON.stringify(id));
    }
    assert.equal(outcome({ ...plain, jti: "x".repeat(64) }), "ok");
    assert.equal(outcome({ ...plain, jti: undefined }), "no_id");
  });

  it("a malformed claim of ours spoils a token of ours", () => {
    const spoiled: Record<string, unknown>[] = [
      ...[-1, 1.5, "1", 2 ** 53, null, true, [1]].map((seq) => ({ seq })),
      ...[-1, 1.5, "1", null, nowSeconds * 1000].map((auth_time) => ({ auth_time })),
      ...["pwd", [1], null, {}, ["pwd", null]].map((amr) => ({ amr })),
    ];
    for (const claims of spoiled) {
      assert.equal(outcome({ ...own, ...claims }), "invalid", JSON.stringify(claims));
    }
  });

  it("are not taken from a member named __proto__", () => {
    const payload = JSON.parse(`{"__proto__": ${JSON.stringify(plain)}}`) as Record<string, unknown>;
    assert.equal(outcome(payload), "no_expiry");
  });
});

describe("the kind of a token", () => {
  it("opens its own door and no other", () => {
    assert.equal(outcome({ ...own, token_type: "refresh" }), "wrong_type");
    assert.equal(outcome(own, { kind: "refresh" }), "wrong_type");
    assert.equal(outcome(own, { kind: "any" }), "ok");
    assert.equal(outcome({ ...own, token_type: "refresh" }, { kind: "any" }), "ok");
  });

  it("must be one we know, in a token of ours, even where any will do", () => {
    for (const type of ["sliding", "Access", "any", "", null, 5, ["access"]]) {
      assert.equal(outcome({ ...own, token_type: type }, { kind: "any" }), "wrong_type", String(type));
      assert.equal(outcome({ ...own, token_type: type }), "wrong_type", String(type));
    }
    assert.equal(outcome({ ...own, token_type: undefined }, { kind: "any" }), "no_type");
  });

  it("is not named when simplejwt's token has another and any will do", () => {
    const result = check({ ...plain, token_type: "sliding" }, { kind: "any" });
    assert.equal(result.ok && result.claims.tokenType, undefined);
    assert.equal(result.ok, true);
  });
});

it("the first problem is named in the order in which the original looks", () => {
  const nothing: Record<string, unknown> = { iat: "x" };
  assert.equal(outcome(nothing), "invalid");
  assert.equal(outcome({}), "no_expiry");
  assert.equal(outcome({ exp: plain.exp }), "no_id");
  assert.equal(outcome({ exp: plain.exp, jti: "a" }), "no_type");
  assert.equal(outcome({ exp: plain.exp, jti: "a", token_type: "refresh" }), "wrong_type");
  assert.equal(outcome({ exp: plain.exp, jti: "a", token_type: "access" }), "no_user");
});

it("any JSON object gets a verdict, and a good one only with an id, a user and a future", () => {
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom(...Object.values(own)));
  const payloads = fc.record(Object.fromEntries(Object.keys(own).map((name) => [name, value])), {
    requiredKeys: [],
  });
  fc.assert(
    fc.property(payloads, fc.constantFrom("access", "refresh", "any"), (payload, kind) => {
      const result = check(payload, { kind: kind });
      if (!result.ok) return;
      assert.match(result.claims.userId, /^[0-9a-f-]{36}$/);
      assert.ok(result.claims.expiresAt > now && result.claims.id.length > 0);
      assert.equal(result.claims.sessionId, payload.sid);
    }),
    { numRuns: 3000 },
  );
});

describe("the tokens of the recordings", () => {
  const key = createSecretKey(Buffer.from(recordedSecret));

  /** As a door does it: signature first, then claims. */
  function judge(recipeName: string, kind: Door): "ok" | ClaimsProblem | "no token" {
    const recipe = recipes.get(recipeName);
    assert.ok(recipe, recipeName);
    const payload = readCompact(mintRecipe(recipe, nowSeconds), () => [{ algorithm: "HS256", key }]);
    if (!payload) return "no token";
    const result = checkClaims(payload, { kind, now, leewaySeconds: 0, issuer });
    return result.ok ? "ok" : result.problem;
  }

  /** What we say of the token at the door of its kind; of those not named here: "ok". */
  const verdicts: Readonly<Record<string, readonly string[]>> = {
    "no token": [
      ...["wrong-key", "flip-signature", "payload-changed", "empty-signature", "no-signature-segment"],
      ...["four-segments", "junk-in-signature", "signature-padded", "noncanonical-last-char", "truncated"],
      ...["uppercase", "non-ascii", "doubled", "payload-list", "payload-string", "payload-not-json"],
      ...["payload-empty", "alg-none-empty-signature", "alg-None-capital", "alg-none-hs256-signature"],
      ...["alg-hs512-same-key", "alg-rs256-hmac-signed", "alg-missing", "alg-lowercase", "alg-unknown"],
      ...["alg-not-string", "kid-not-string", "crit-unknown", "b64-false-header"],
      ...["garbage", "a.b.c", "dots", "empty"],
    ],
    invalid: [
      ...["expired", "exp-now", "exp-null", "exp-string", "exp-word", "exp-float", "exp-true", "exp-zero"],
      ...["exp-negative", "exp-huge", "exp-list", "iat-future", "iat-string", "nbf-future"],
      ...["jti-int", "jti-null"],
    ],
    no_expiry: ["no-exp"],
    no_id: ["no-jti"],
    no_type: ["no-token_type"],
    wrong_type: ["token_type-other", "token_type-null"],
    no_user: ["no-user_id"],
    unknown_user: [
      ...["user_id-not-uuid", "user_id-int", "user_id-null", "user_id-list", "user_id-no-dashes"],
      "user_id-uppercase",
    ],
  };

  function expectedOf(name: string): string {
    return Object.keys(verdicts).find((verdict) => verdicts[verdict]?.includes(name)) ?? "ok";
  }

  it("are judged each as the table says, at the door of their kind and where any will do", () => {
    let good = 0;
    for (const recipeName of recipes.keys()) {
      const name = recipeName.replace(/^(access|refresh):/, "");
      const expected = expectedOf(name);
      assert.equal(
        judge(recipeName, recipeName.startsWith("refresh:") ? "refresh" : "access"),
        expected,
        recipeName,
      );
      const anywhere = ["no_type", "wrong_type"].includes(expected) ? "ok" : expected;
      assert.equal(judge(recipeName, "any"), anywhere, recipeName);
      if (expected === "ok") good += 1;
    }
    assert.ok(good >= 28, `${good} of ${recipes.size} are good`);
  });

  const sentences: Readonly<Record<string, string>> = {
    "no token": "Token is invalid or expired",
    invalid: "Token is invalid or expired",
    no_id: "Token has no id",
    no_type: "Token has no type",
    wrong_type: "Token has wrong type",
    no_user: "Token contained no recognizable user identification",
    unknown_user: "User not found",
  };

  /** Where the original let pass what we refuse, and why we do. */
  const stricter: Readonly<Record<string, string>> = {
    "junk-in-signature": "one canonical text",
    "signature-padded": "one canonical text",
    "noncanonical-last-char": "one canonical text",
    "exp-float": "times are whole seconds",
    "jti-int": "ids are text",
    "jti-null": "ids are text",
    "kid-not-string": "RFC 7515, 4.1.4: a key id is text",
    "user_id-int": "no account has that id",
    "user_id-not-uuid": "no account has that id",
    "user_id-list": "no account has that id",
    "user_id-no-dashes": "one spelling of an id",
    "user_id-uppercase": "one spelling of an id",
  };
  const met = new Set<string>();

  for (const { id, recipe, door, status, said } of readRecorded()) {
    it(`${id}: ${status} there`, () => {
      const verdict = judge(recipe, door);
      const name = recipe.replace(/^(access|refresh):/, "");
      // The user of a good token is looked up later, by whoever asked.
      if (name === "user_id-unknown") return assert.equal(verdict, "ok");
      if (status === 500) return assert.notEqual(verdict, "ok");
      if (status === 200 && name in stricter) {
        met.add(name);
        return assert.notEqual(verdict, "ok");
      }
      return assert.equal(verdict === "ok" ? undefined : sentences[verdict], said);
    });
  }

  it("differ from the original nowhere else, and everywhere the list says", () => {
    assert.deepEqual([...met].toSorted(), Object.keys(stricter).toSorted());
  });
});
