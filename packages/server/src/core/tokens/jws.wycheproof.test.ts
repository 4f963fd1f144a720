/** The reader and its four algorithms against Project Wycheproof, with every other verdict named and reasoned. */

import assert from "node:assert/strict";
import { createPublicKey, createSecretKey, type JsonWebKey } from "node:crypto";
import { it } from "node:test";
import { type Algorithm, algorithms } from "./algorithms.ts";
import { readTestFile } from "./forge.testing.ts";
import { verifyCompact } from "./jws.ts";

type Verdict = "valid" | "invalid";

interface Test {
  readonly tcId: number;
  readonly result: Verdict;
  readonly jws: unknown;
  readonly key: string;
  readonly msg: string;
  readonly sig: string;
  readonly tag: string;
}

type PublishedKey = JsonWebKey & { readonly kid?: string };

interface Group {
  readonly public?: PublishedKey;
  readonly private: PublishedKey;
  readonly publicKeyPem: string;
  readonly tagSize: number;
  readonly tests: readonly Test[];
}

const readGroups = (name: string) =>
  readTestFile<{ testGroups: Group[] }>(`corpora/wycheproof/${name}_test.json`).testGroups;

const hex = (text: string) => Buffer.from(text, "hex");

/** Where we say otherwise than json_web_signature_test.json, by test id. */
const exceptions: readonly {
  readonly why: string;
  readonly ours: Verdict;
  readonly ids: readonly number[];
}[] = [
  {
    why: "RS384, RS512, PS256, PS384, PS512 and ES512 are not among our algorithms",
    ours: "invalid",
    ids: [
      ...[264, 265, 266, 267, 268, 269, 270, 271, 272, 273, 274, 275, 287, 288, 320, 321, 322, 323],
      ...[325, 326, 327, 328, 346, 347, 350, 351],
    ],
  },
  { why: "a token has a payload", ours: "invalid", ids: [259] },
  {
    why: "of the two values of s, the higher is refused; 378 is the same token with the lower",
    ours: "invalid",
    ids: [18],
  },
  {
    why: "a question mark is no base64url, though these two call it valid",
    ours: "invalid",
    ids: [372, 373],
  },
  { why: "white space in a header makes another text of the same token", ours: "invalid", ids: [376, 377] },
  {
    why: "the padding that these two should have is not in the file: they equal 357, which is valid",
    ours: "valid",
    ids: [367, 370],
  },
  {
    why: "what a JWK may be used for is judged where keys are loaded; a KeyObject does not know",
    ours: "valid",
    ids: [353, 355],
  },
];

it("tokens get the verdict of the vectors, but for a list with reasons", () => {
  const differing: { ours: Verdict; id: number }[] = [];
  let count = 0;
  for (const group of readGroups("json_web_signature")) {
    const jwk = group.public ?? group.private;
    const key =
      jwk.kty === "oct"
        ? createSecretKey(Buffer.from(jwk.k ?? "", "base64url"))
        : createPublicKey({ key: jwk, format: "jwk" });
    for (const { tcId, jws, result } of group.tests) {
      const token = typeof jws === "string" ? jws : JSON.stringify(jws);
      const payload = verifyCompact(token, ({ algorithm }) => [
        { algorithm: (jwk.alg ?? algorithm) as Algorithm, keyId: jwk.kid, key },
      ]);
      const ours = payload ? "valid" : "invalid";
      if (ours !== result) differing.push({ ours, id: tcId });
      count += 1;
    }
  }
  assert.equal(count, 401);
  const named = exceptions.flatMap(({ ours, ids }) => ids.map((id) => ({ ours, id })));
  assert.deepEqual(
    differing,
    named.toSorted((one, other) => one.id - other.id),
  );
});

it("ES256 gets the verdict of the vectors, but that the higher s is refused and its lower twin accepted", () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  let twins = 0;
  for (const group of readGroups("ecdsa_secp256r1_sha256_p1363")) {
    const key = createPublicKey(group.publicKeyPem);
    assert.ok(algorithms.ES256.fits(key));
    for (const { tcId, msg, sig, result } of group.tests) {
      const isValid = algorithms.ES256.verify(hex(msg), key, hex(sig));
      const s = BigInt(`0x0${sig.slice(64)}`);
      if (result === "valid" && s > order / 2n) {
        const lower = sig.slice(0, 64) + (order - s).toString(16).padStart(64, "0");
        assert.equal(isValid, false, String(tcId));
        assert.ok(algorithms.ES256.verify(hex(msg), key, hex(lower)), String(tcId));
        twins += 1;
      } else {
        assert.equal(isValid, result === "valid", String(tcId));
      }
    }
  }
  assert.equal(twins, 70);
});

it("EdDSA gets the verdict of the vectors", () => {
  for (const group of readGroups("ed25519")) {
    const key = createPublicKey(group.publicKeyPem);
    assert.ok(algorithms.EdDSA.fits(key));
    for (const { tcId, msg, sig, result } of group.tests) {
      assert.equal(algorithms.EdDSA.verify(hex(msg), key, hex(sig)), result === "valid", String(tcId));
    }
  }
});

it("HS256 gets the verdict of the vectors, but that no shortened tag is accepted", () => {
  for (const group of readGroups("hmac_sha256")) {
    for (const { tcId, key, msg, tag, result } of group.tests) {
      const isValid = algorithms.HS256.verify(hex(msg), createSecretKey(hex(key)), hex(tag));
      assert.equal(isValid, result === "valid" && group.tagSize === 256, String(tcId));
    }
  }
});
