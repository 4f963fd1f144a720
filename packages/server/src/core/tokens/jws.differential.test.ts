/** Two readers, one token: what ours accepts jose accepts too, and where only jose does, a rule of ours says why. */

import assert from "node:assert/strict";
import { sign } from "node:crypto";
import { it } from "node:test";
import * as fc from "fast-check";
import { compactVerify } from "jose";
import { anyKey, base64Url, signingKeys, signText, verifyingKeys } from "./forge.testing.ts";
import { verifyCompact } from "./jws.ts";

const algorithms = ["HS256", "ES256", "EdDSA", "RS256"];
const halfOrder = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n / 2n;

/** Mostly sound in each respect, so that enough tokens come through to compare what is wrong with the rest. */
const cases = fc.record({
  signer: fc.constantFrom(...signingKeys),
  algorithm: mostly<unknown>(undefined, "none", ...algorithms),
  type: mostly<unknown>("JWT", "at+jwt", undefined, "jwt", "", 5),
  keyId: mostly<unknown>("own", undefined, "ec-1", "rsa-1", "", "x".repeat(65), "a b", 5, null),
  extra: mostly({}, { cty: "JWT" }, { x5t: "AAAA" }, { jwk: {} }, { b64: false }, { zip: "DEF" }),
  crit: mostly<unknown>(undefined, ["x"], ["b64"], []),
  spell: mostly(
    (json: string) => json,
    (json) => json.replace(":", ": "),
    (json) => `${json}\n`,
    (json) => json.replace("{", '{"alg":"none",'),
    (json) => json.replace('"alg"', '"\\u0061lg"'),
  ),
  payload: mostly('{"a":1}', "[]", "text", '{"a":1,"a":2}'),
  mangleMessage: mostly(
    (text: string) => text,
    (text) => `${text}=`,
    (text) => `${text}\n`,
    (text) => text.replace(".", "=."),
    (text) => text.replaceAll("-", "+").replaceAll("_", "/"),
  ),
  mangle: mostly(
    (token: string) => token,
    (token) => `${token}=`,
    (token) => `${token} `,
    (token) => token.slice(0, -1) + (token.endsWith("A") ? "B" : "A"),
    (token) => token.slice(0, -2),
  ),
});
type Case = typeof cases extends fc.Arbitrary<infer Value> ? Value : never;

it("we accept nothing that jose refuses, and refuse nothing that it accepts without a rule", async () => {
  const seen = new Map<string, number>();
  const count = (outcome: string) => seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
  await fc.assert(
    fc.asyncProperty(cases, async (each) => {
      const token = forge(each);
      const ours = verifyCompact(token, anyKey)?.toString();
      const theirs = await askJose(token, each);
      if (ours !== undefined) {
        assert.equal(theirs, ours, token);
        count("both accept");
      } else if (theirs === undefined) {
        count("both refuse");
      } else {
        const rule = findRule(token);
        assert.ok(rule, `jose alone accepts ${token}`);
        count(rule);
      }
    }),
    { numRuns: 3000 },
  );
  const outcomes = [
    "both accept",
    "both refuse",
    "higher s",
    "kid",
    "other member",
    "spelling",
    "text",
    "typ",
  ];
  assert.deepEqual([...seen.keys()].toSorted(), outcomes, "every kind of case was met");
  assert.ok((seen.get("both accept") ?? 0) > 100, JSON.stringify([...seen]));
});

function mostly<Value>(usual: Value, ...others: readonly Value[]): fc.Arbitrary<Value> {
  const rare = { weight: 1, arbitrary: fc.constantFrom(...others) };
  return fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, rare);
}

function forge({ signer, algorithm, type, keyId, extra, crit, spell, payload, mangleMessage, mangle }: Case) {
  const kid = keyId === "own" ? signer.keyId : keyId;
  const header = { alg: algorithm ?? signer.algorithm, typ: type, kid, crit, ...extra };
  const text = mangleMessage(`${base64Url(spell(JSON.stringify(header)))}.${base64Url(payload)}`);
  if (signer.algorithm === "HS256") return mangle(signText(text));
  const hash = signer.algorithm === "EdDSA" ? null : "sha256";
  const bytes = sign(hash, Buffer.from(text), { key: signer.key, dsaEncoding: "ieee-p1363" });
  return mangle(`${text}.${bytes.toString("base64url")}`);
}

async function askJose(token: string, { algorithm, signer }: Case): Promise<string | undefined> {
  const key = verifyingKeys.find((each) => each.algorithm === (algorithm ?? signer.algorithm))?.key;
  if (!key) return undefined;
  try {
    const { payload } = await compactVerify(token, key, { algorithms });
    return Buffer.from(payload).toString();
  } catch {
    return undefined;
  }
}

/** Which of our rules refuses a token with a good signature, told from the token alone. */
function findRule(token: string): string | undefined {
  const segments = token.split(".");
  const decoded = segments.map((segment) => Buffer.from(segment, "base64url"));
  if (decoded.some((bytes, index) => bytes.toString("base64url") !== segments[index])) return "text";
  const text = (decoded[0] as Buffer).toString();
  const header = JSON.parse(text) as Record<string, unknown>;
  if (Object.keys(header).some((name) => !["alg", "typ", "kid"].includes(name))) return "other member";
  if (![undefined, "JWT", "at+jwt"].includes(header.typ as string)) return "typ";
  // A key with an id answers to that id alone, and an id is 1 to 64 visible characters.
  const own = verifyingKeys.find(({ algorithm }) => algorithm === header.alg)?.keyId;
  const isSound =
    header.kid === undefined || (typeof header.kid === "string" && /^[!-~]{1,64}$/.test(header.kid));
  if (!isSound || (own !== undefined && header.kid !== own)) return "kid";
  if (JSON.stringify(header) !== text) return "spelling";
  const s = BigInt(`0x0${(decoded[2] as Buffer).toString("hex", 32)}`);
  return header.alg === "ES256" && s > halfOrder ? "higher s" : undefined;
}
