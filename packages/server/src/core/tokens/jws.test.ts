/** What is signed can be read, and is written the same way every time. */

import assert from "node:assert/strict";
import { createPublicKey, createSecretKey, generateKeyPairSync } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { anyKey, base64Url, forgeToken, readTestFile, signingKeys, verifyingKeys } from "./forge.testing.ts";
import { type ClaimedKey, readCompact, type SigningKey, signCompact, verifyCompact } from "./jws.ts";

const payload = { token_type: "access", exp: 1_764_000_900, name: "Zoë 🦊" };

interface Vectors {
  readonly signing_key_utf8: string;
  readonly vectors: readonly { name: string; token: string; claims: Record<string, unknown> }[];
}

describe("tokens that the original's library made", () => {
  const { signing_key_utf8: text, vectors } = readTestFile<Vectors>("contract/original/jwt-vectors.json");
  const key: SigningKey = { algorithm: "HS256", key: createSecretKey(Buffer.from(text)) };

  for (const { name, token, claims } of vectors) {
    it(`${name} is read, and written again byte for byte`, () => {
      assert.deepEqual(
        readCompact(token, () => [key]),
        claims,
      );
      assert.equal(signCompact(claims, key), token);
    });
  }

  it("are read in the other order of the header, and without typ", () => {
    for (const header of [
      '{"typ":"JWT","alg":"HS256"}',
      '{"alg":"HS256"}',
      '{"alg":"HS256","typ":"at+jwt"}',
    ]) {
      assert.deepEqual(
        readCompact(forgeToken(header, payload, text), () => [key]),
        payload,
        header,
      );
    }
  });
});

describe("signing", () => {
  for (const key of signingKeys) {
    it(`with ${key.algorithm} makes a token that is read, its claims in the order given`, () => {
      const token = signCompact(payload, key);
      assert.equal(JSON.stringify(readCompact(token, anyKey)), JSON.stringify(payload));
      const header = Buffer.from(token.split(".")[0] ?? "", "base64url").toString();
      const kid = key.keyId ? `,"kid":"${key.keyId}"` : "";
      assert.equal(header, `{"alg":"${key.algorithm}","typ":"JWT"${kid}}`);
    });
  }

  it("with ES256 always leaves the lower s, so that a token has one signature and no twin", () => {
    const key = signingKeys[1] as SigningKey;
    for (let round = 0; round < 40; round++) {
      const token = signCompact({ round }, key);
      assert.deepEqual(readCompact(token, anyKey), { round });
    }
  });

  it("refuses a key that is not one for its algorithm, or too weak", () => {
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
    const k1 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).privateKey;
    const ed448 = generateKeyPairSync("ed448").privateKey;
    const rsa1024 = generateKeyPairSync("rsa", { modulusLength: 1024 }).privateKey;
    const wrong: SigningKey[] = [
      { algorithm: "ES256", key: p384 },
      { algorithm: "ES256", key: k1 },
      { algorithm: "EdDSA", key: ed448 },
      { algorithm: "RS256", key: rsa1024 },
      { algorithm: "HS256", key: createSecretKey(Buffer.alloc(0)) },
      ...signingKeys.flatMap(({ key }) =>
        signingKeys.filter((other) => other.key !== key).map(({ algorithm }) => ({ algorithm, key })),
      ),
    ];
    for (const key of wrong) assert.throws(() => signCompact(payload, key), TypeError);
  });

  it("refuses what the reader would: a token of 4097 characters, a strange key id", () => {
    const key = signingKeys[0] as SigningKey;
    const longest = signCompact({ filler: "x".repeat(2998) }, key);
    assert.equal(longest.length, 4096);
    assert.ok(readCompact(longest, anyKey));
    assert.throws(() => signCompact({ filler: "x".repeat(2999) }, key), RangeError);
    for (const keyId of ["", "x".repeat(65), "a b", "a\n", "é"]) {
      assert.throws(() => signCompact(payload, { ...key, keyId }), RangeError);
    }
  });
});

describe("the keys of a token", () => {
  const [one, another] = ["old-secret-of-more-than-32-bytes-0", "new-secret-of-more-than-32-bytes-0"].map(
    (text): SigningKey => ({ algorithm: "HS256", key: createSecretKey(Buffer.from(text)) }),
  ) as [SigningKey, SigningKey];

  it("are asked for once, by what the header says", () => {
    const asked: ClaimedKey[] = [];
    for (const key of signingKeys) {
      readCompact(signCompact(payload, key), (claimed) => {
        asked.push(claimed);
        return [];
      });
    }
    const expected = signingKeys.map(({ algorithm, keyId }) => ({ algorithm, keyId }));
    assert.deepEqual(asked, expected);
  });

  it("are not asked for when the text is no token, or of no algorithm of ours", () => {
    const token = signCompact(payload, one);
    const names = ["none", "HS512", "hs256", "__proto__", "constructor", "toString"];
    const foreign = names.map((alg) => token.replace(/^[^.]+/, base64Url({ alg })));
    for (const bad of ["", "a.b.c", `${token}.`, `${token}=`, ...foreign]) {
      assert.equal(
        readCompact(bad, () => assert.fail(bad)),
        undefined,
      );
    }
  });

  it("may be several, while an old one goes out of use", () => {
    assert.deepEqual(
      readCompact(signCompact(payload, one), () => [another, one]),
      payload,
    );
    assert.equal(
      readCompact(signCompact(payload, one), () => [another]),
      undefined,
    );
  });

  it("answer to their own id alone, whatever was looked up", () => {
    const named = { ...one, keyId: "k1" };
    const token = signCompact(payload, named);
    assert.deepEqual(
      readCompact(token, () => [named]),
      payload,
    );
    assert.equal(
      readCompact(token, () => [{ ...one, keyId: "k2" }]),
      undefined,
    );
    assert.equal(
      readCompact(signCompact(payload, one), () => [named]),
      undefined,
    );
    assert.deepEqual(
      readCompact(token, () => [one]),
      payload,
      "simplejwt's one secret has no id",
    );
  });

  it("serve their own algorithm alone, whatever was looked up", () => {
    for (const signer of signingKeys) {
      const token = signCompact(payload, { ...signer, keyId: undefined });
      const keys = verifyingKeys.flatMap(({ key }) =>
        signingKeys.map(({ algorithm }) => ({ algorithm, key })),
      );
      const wrong = keys.filter(({ algorithm, key }) =>
        verifyingKeys.every((right) => right.algorithm !== algorithm || right.key !== key),
      );
      assert.equal(wrong.length, 12);
      assert.equal(
        readCompact(token, () => wrong),
        undefined,
      );
    }
  });
});

describe("any text at all", () => {
  it("gets an answer, never an exception", () => {
    const texts = fc.oneof(
      fc.string({ unit: "binary", maxLength: 200 }),
      fc.array(fc.string({ unit: "binary" }), { maxLength: 5 }).map((parts) => parts.join(".")),
      fc.array(fc.base64String(), { minLength: 3, maxLength: 3 }).map((parts) => parts.join(".")),
      fc.tuple(fc.json(), fc.json(), fc.string()).map((parts) => parts.map(base64Url).join(".")),
    );
    fc.assert(
      fc.property(texts, (text) => assert.equal(readCompact(text, anyKey), undefined)),
      { numRuns: 4000 },
    );
  });

  it("is refused when it was a token before a character was changed, dropped or put in", () => {
    const tokens = signingKeys.map((key) => signCompact(payload, key));
    const change = fc.tuple(
      fc.constantFrom(...tokens),
      fc.nat(),
      fc.oneof(
        fc.constantFrom("", ".", "=", "+", "/", " ", "\n", "A", "_"),
        fc.string({ unit: "binary", maxLength: 3 }),
      ),
      fc.nat(2),
    );
    fc.assert(
      fc.property(change, ([token, where, text, dropped]) => {
        const at = where % (token.length + 1);
        const mutated = token.slice(0, at) + text + token.slice(at + dropped);
        if (mutated !== token) assert.equal(readCompact(mutated, anyKey), undefined);
      }),
      { numRuns: 4000 },
    );
  });

  it("that is JSON comes back as it was signed", () => {
    const payloads = fc.dictionary(fc.string({ unit: "binary" }), fc.jsonValue({ maxDepth: 2 }), {
      maxKeys: 5,
    });
    fc.assert(
      fc.property(payloads, fc.constantFrom(...signingKeys), (claims, key) => {
        const text = JSON.stringify(claims);
        fc.pre(text.length < 1500);
        assert.equal(JSON.stringify(readCompact(signCompact(claims, key), anyKey)), text);
      }),
      { numRuns: 500 },
    );
  });
});

it("bytes that are no JSON object are a payload for verifyCompact alone", () => {
  // RFC 8037, appendix A.4
  const key = createPublicKey({
    key: { kty: "OKP", crv: "Ed25519", x: "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" },
    format: "jwk",
  });
  const token =
    "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc." +
    "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  const findKeys = () => [{ algorithm: "EdDSA", key }] as const;
  assert.equal(verifyCompact(token, findKeys)?.toString(), "Example of Ed25519 signing");
  assert.equal(readCompact(token, findKeys), undefined);
});
