/** Tokens that attackers make, each of which some library somewhere has once let in; none gets in here. */

import assert from "node:assert/strict";
import { createSecretKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { describe, it } from "node:test";
import {
  anyKey,
  base64Url,
  forgeToken,
  secretText,
  signingKeys,
  signText,
  verifyingKeys,
} from "./forge.testing.ts";
import { type FindKeys, readCompact, type SigningKey, signCompact } from "./jws.ts";
import { replaceSignature, strayBit } from "./recordings.testing.ts";

const payload = { token_type: "access", exp: 1_764_000_900, jti: "a", user_id: "b" };
const header = { alg: "HS256", typ: "JWT" };
const honest = forgeToken(header, payload);
const [, es, ed, rs] = signingKeys as [SigningKey, SigningKey, SigningKey, SigningKey];
const publicKeys = verifyingKeys.slice(1).map(({ key }) => key);

function refuse(name: string, tokens: readonly string[], findKeys: FindKeys = anyKey): void {
  it(name, () => {
    assert.ok(tokens.length > 0);
    for (const token of tokens) {
      assert.equal(readCompact(token, findKeys), undefined, token.slice(0, 300));
    }
  });
}

/** A header that the right key has signed, so that only what it says can be the reason to refuse it. */
function withHeader(...headers: unknown[]): string[] {
  return headers.map((each) => forgeToken(each, payload));
}

it("the same forgery without an attack in it is a token, so the refusals below have their reasons", () => {
  assert.deepEqual(readCompact(honest, anyKey), payload);
  for (const key of signingKeys) assert.deepEqual(readCompact(signCompact(payload, key), anyKey), payload);
  for (const text of ['{"a": 1}', "{ }", '{"a":"\\u00e9"}', '{"a":1,"a":2}']) {
    assert.deepEqual(readCompact(forgeToken(header, text), anyKey), JSON.parse(text));
  }
});

describe("the algorithm", () => {
  const names = [
    "none",
    "None",
    "nOnE",
    "NONE",
    "",
    "hs256",
    "Hs256",
    " HS256",
    "HS256 ",
    "HS256\u0000",
    "HS25",
    "*",
  ];
  const values = [
    ...names,
    null,
    0,
    256,
    true,
    ["HS256"],
    { alg: "HS256" },
    "__proto__",
    "constructor",
    "toString",
  ];
  const headers = [...values.map((alg) => ({ alg, typ: "JWT" })), { typ: "JWT" }, {}];
  refuse("is one of ours to the letter, under a good HMAC", withHeader(...headers));
  refuse(
    "is never none, with an empty, a missing or a borrowed signature",
    withHeader(...headers).flatMap((token) => {
      const message = token.slice(0, token.lastIndexOf("."));
      return [`${message}.`, message, `${message}.${honest.split(".")[2]}`, `${message}.AA`];
    }),
  );
});

describe("a public key as the secret of an HMAC", () => {
  const texts = publicKeys.flatMap((key) => {
    const pem = key.export({ type: "spki", format: "pem" }).toString();
    const jwk = key.export({ format: "jwk" });
    const pkcs1 = jwk.kty === "RSA" ? [key.export({ type: "pkcs1", format: "pem" }).toString()] : [];
    const forms = [pem, ...pkcs1].flatMap((text) => [
      text,
      text.trim(),
      ` ${text}`,
      `\n${text}`,
      `${text}\n`,
    ]);
    const numbers = [jwk.n, jwk.x, jwk.y].filter((number) => number !== undefined);
    const crlf = pem.replaceAll("\n", "\r\n");
    return [
      ...forms,
      crlf,
      JSON.stringify(jwk),
      ...numbers,
      ...numbers.map((number) => Buffer.from(number, "base64url")),
    ];
  });
  const ders = publicKeys.flatMap((key) => [
    key.export({ type: "spki", format: "der" }),
    ...(key.asymmetricKeyType === "rsa" ? [key.export({ type: "pkcs1", format: "der" })] : []),
  ]);
  const forged = [...texts, ...ders].flatMap((secret) =>
    [
      header,
      { ...header, kid: "ec-1" },
      { ...header, kid: "rsa-1" },
      { ...header, alg: "RS256", kid: "rsa-1" },
    ].map((each) => forgeToken(each, payload, secret)),
  );
  refuse("never signs, whatever its form", forged);
  refuse("never signs, when a finder offers public keys alone", forged, () => verifyingKeys.slice(1));
  refuse("never signs, when a finder calls it a secret", forged, () =>
    publicKeys.flatMap((key) => [
      { algorithm: "HS256", key },
      { algorithm: "HS256", key, keyId: "ec-1" },
    ]),
  );
});

describe("another algorithm of the family, with the right key", () => {
  const message = (alg: string, kid: string) =>
    `${base64Url({ alg, typ: "JWT", kid })}.${base64Url(payload)}`;
  const signed = (alg: string, kid: string, hash: string | null, key: KeyObject, options: object = {}) => {
    const text = message(alg, kid);
    return `${text}.${sign(hash, Buffer.from(text), { key, ...options }).toString("base64url")}`;
  };
  const pss = { padding: 6, saltLength: 32 };
  const p1363 = { dsaEncoding: "ieee-p1363" };
  const others = (["P-384", "P-521", "secp256k1"] as const).map((namedCurve) =>
    generateKeyPairSync("ec", { namedCurve }),
  );
  const ed448 = generateKeyPairSync("ed448");
  const rsa1024 = generateKeyPairSync("rsa", { modulusLength: 1024 });
  refuse("is refused by its name", [
    signed("RS384", "rsa-1", "sha384", rs.key),
    signed("RS512", "rsa-1", "sha512", rs.key),
    signed("PS256", "rsa-1", "sha256", rs.key, pss),
    signed("ES384", "ec-1", "sha384", es.key, p1363),
    signed("ES256K", "ec-1", "sha256", es.key, p1363),
    signed("Ed25519", "ed-1", null, ed.key),
    ...["HS384", "HS512"].map((alg) =>
      forgeToken({ alg, typ: "JWT" }, payload, secretText, alg.replace("HS", "sha")),
    ),
  ]);
  refuse("is refused under the name of ours", [
    signed("RS256", "rsa-1", "sha512", rs.key),
    signed("RS256", "rsa-1", "sha256", rs.key, pss),
    signed("ES256", "ec-1", "sha384", es.key, p1363),
    forgeToken(header, payload, secretText, "sha512"),
  ]);
  const strange = [
    ...others.map(({ privateKey }) => signed("ES256", "k", "sha256", privateKey, p1363)),
    signed("EdDSA", "k", null, ed448.privateKey),
    signed("RS256", "k", "sha256", rsa1024.privateKey),
  ];
  refuse(
    "is refused with a key of another curve or size, even if a finder offers it",
    strange,
    ({ algorithm }) =>
      [...others, ed448, rsa1024].map(({ publicKey }) => ({ algorithm, keyId: "k", key: publicKey })),
  );
});

describe("a header that wants more than to be read", () => {
  const attacker = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const jwk = attacker.publicKey.export({ format: "jwk" });
  const url = "http://127.0.0.1:9/keys.json";
  const extras = [
    ...[{ jwk }, { jku: url }, { x5u: url }, { x5c: ["MIIB"] }, { x5t: "AAAA" }, { "x5t#S256": "AAAA" }],
    ...[["x"], [], "exp", ["exp"], ["b64"], null, {}].map((crit) => ({ crit })),
    ...[{ b64: false }, { b64: true }, { crit: ["b64"], b64: false }, { crit: ["exp"], exp: 1 }],
    ...[{ zip: "DEF" }, { enc: "A256GCM" }, { cty: "JWT" }, { p2c: 2 ** 31, p2s: "AAAA" }, { epk: jwk }],
    ...[
      { iss: "us" },
      { exp: 9_999_999_999 },
      { "": 1 },
      { ALG: "none" },
      JSON.parse('{"__proto__":{"alg":"HS256"}}'),
    ],
  ];
  refuse(
    "is refused though the right key signed it",
    withHeader(...extras.map((extra) => ({ ...header, ...extra }))),
  );
  refuse("brings no key of its own", [
    attackWith({ alg: "ES256", typ: "JWT", jwk }, attacker.privateKey),
    attackWith({ alg: "ES256", typ: "JWT", kid: "ec-1", jwk }, attacker.privateKey),
    attackWith({ alg: "ES256", typ: "JWT", kid: "ec-1", jku: url }, attacker.privateKey),
    attackWith({ alg: "ES256", typ: "JWT", kid: "ec-1" }, attacker.privateKey),
  ]);
  const jwe = { alg: "dir", enc: "A256GCM", zip: "DEF" };
  refuse("does not make it encrypted", [
    `${base64Url(jwe)}..AAAA.AAAA.AAAA`,
    `${base64Url({ alg: "RSA1_5", enc: "A128CBC-HS256" })}.AAAA.AAAA.AAAA.AAAA`,
    `${base64Url({ alg: "PBES2-HS256+A128KW", enc: "A128GCM", p2c: 2 ** 31, p2s: "AAAA" })}.AAAA.AAAA.AAAA.AAAA`,
    ...withHeader(jwe, { alg: "dir" }, { ...header, ...jwe }),
    JSON.stringify({ protected: base64Url(jwe), iv: "AAAA", ciphertext: "AAAA", tag: "AAAA" }),
  ]);
  const [protectedHeader, body, signature] = honest.split(".");
  refuse("does not make it JSON, detached or nested", [
    JSON.stringify({ protected: protectedHeader, payload: body, signature }),
    JSON.stringify({ payload: body, signatures: [{ protected: protectedHeader, signature }] }),
    JSON.stringify({
      payload: body,
      signatures: [
        { protected: protectedHeader, signature: "AAAA" },
        { protected: protectedHeader, signature },
      ],
    }),
    signText(`${base64Url(header)}.`),
    `${protectedHeader}..${signature}`,
    signText(`${protectedHeader}.${JSON.stringify(payload)}`),
    forgeToken(header, JSON.stringify(honest)),
    forgeToken(header, honest),
  ]);

  function attackWith(each: unknown, key: KeyObject): string {
    const message = `${base64Url(each)}.${base64Url(payload)}`;
    const bytes = sign("sha256", Buffer.from(message), { key, dsaEncoding: "ieee-p1363" });
    return `${message}.${bytes.toString("base64url")}`;
  }
});

describe("the key id", () => {
  const strange = [
    "",
    "x".repeat(65),
    "x".repeat(2000),
    "a b",
    "\u0000",
    "a\nb",
    "é",
    "\u202e",
    null,
    5,
    true,
    [],
    {},
    ["k"],
  ];
  refuse("is text that may stand in a log", withHeader(...strange.map((kid) => ({ ...header, kid }))));

  const paths = ["../../../../dev/null", "/proc/self/environ", "'OR(1=1)--", "*", "https://evil.example/k"];
  const words = [...paths, "__proto__", "constructor", "toString", "rsa-1", "ed-1", "ec-2"];
  const sign1 = (kid: string | undefined) => signCompact(payload, { ...es, keyId: kid });
  refuse("unknown, missing or of another key finds nothing", [...words, undefined].map(sign1));
  refuse(
    "that names a file of zeros is no way to a secret of zeros",
    ["", "\0", "\0".repeat(32)].map((secret) =>
      forgeToken({ ...header, kid: "../../dev/null" }, payload, secret),
    ),
  );
});

describe("the secret", () => {
  const weak = [
    "",
    "\0".repeat(32),
    "secret",
    "password",
    "changeme",
    "your-256-bit-secret",
    secretText.slice(1),
    " ",
  ];
  refuse(
    "is not one that anybody would try",
    weak.map((secret) => forgeToken(header, payload, secret)),
  );
  refuse("is never empty, even if a finder offers that", [forgeToken(header, payload, "")], () => [
    { algorithm: "HS256", key: createSecretKey(Buffer.alloc(0)) },
  ]);
});

describe("the signature", () => {
  const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
  const scalar = (value: bigint) => Buffer.from(value.toString(16).padStart(64, "0"), "hex");
  for (const key of signingKeys) {
    const token = signCompact(payload, key);
    const length = Buffer.from(token.split(".")[2] ?? "", "base64url").length;
    const each = [...Array(length).keys()];
    refuse(
      `of ${key.algorithm} has every bit as signed`,
      each.flatMap((at) =>
        [1, 2, 4, 8, 16, 32, 64, 128].map((bit) =>
          replaceSignature(token, (bytes) => bytes.map((byte, index) => (index === at ? byte ^ bit : byte))),
        ),
      ),
    );
    refuse(`of ${key.algorithm} is neither shorter nor longer`, [
      ...each.map((size) => replaceSignature(token, (bytes) => bytes.subarray(0, size))),
      ...each.slice(1).map((size) => replaceSignature(token, (bytes) => bytes.subarray(size))),
      replaceSignature(token, (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])),
      replaceSignature(token, (bytes) => Buffer.concat([Buffer.alloc(1), bytes])),
      replaceSignature(token, (bytes) => Buffer.concat([bytes, bytes])),
      replaceSignature(token, (bytes) => Buffer.alloc(bytes.length)),
      replaceSignature(token, (bytes) => Buffer.alloc(bytes.length, 255)),
    ]);
  }

  const token = signCompact(payload, es);
  const edges = [0n, 1n, order - 1n, order, order + 1n, 2n ** 256n - 1n];
  refuse(
    "of ES256 has no r or s at the edge of the field (CVE-2022-21449)",
    edges.flatMap((r) =>
      edges.map((s) => replaceSignature(token, () => Buffer.concat([scalar(r), scalar(s)]))),
    ),
  );

  it("of ES256 has no twin: the higher s verifies elsewhere, and is refused here", () => {
    const higher = replaceSignature(token, (bytes) => {
      const s = BigInt(`0x${bytes.toString("hex", 32)}`);
      return Buffer.concat([bytes.subarray(0, 32), scalar(order - s)]);
    });
    const [message, bytes] = splitSignature(higher);
    const key = { key: publicKeys[0] as KeyObject, dsaEncoding: "ieee-p1363" } as const;
    assert.ok(verify("sha256", message, key, bytes), "valid by mathematics alone");
    assert.equal(readCompact(higher, anyKey), undefined);
    assert.ok(readCompact(token, anyKey));
  });

  const text = token.slice(0, token.lastIndexOf("."));
  const der = sign("sha256", Buffer.from(text), es.key).toString("base64url");
  refuse("of ES256 is not DER", [`${text}.${der}`]);
  refuse(
    "of one algorithm is none of another",
    signingKeys.flatMap((one) =>
      signingKeys
        .filter((other) => other !== one)
        .map((other) => {
          const [own, foreign] = [signCompact(payload, one), signCompact(payload, other)];
          return own.slice(0, own.lastIndexOf(".")) + foreign.slice(foreign.lastIndexOf("."));
        }),
    ),
  );
});

describe("the payload", () => {
  const changed = Object.keys(payload).flatMap((name) =>
    ["x", null, 0, 9_999_999_999].map((value) => ({ ...payload, [name]: value })),
  );
  for (const key of signingKeys) {
    const [head, , signature] = signCompact(payload, key).split(".");
    refuse(`under an old signature of ${key.algorithm} is the old one`, [
      ...changed.map((claims) => `${head}.${base64Url(claims)}.${signature}`),
      `${head}.${base64Url(JSON.stringify(payload, null, 1))}.${signature}`,
      `${head}.${base64Url({})}.${signature}`,
    ]);
  }
  const text = Buffer.from('{"a":"é"}', "latin1");
  refuse("is a JSON object in UTF-8", [
    ...[
      "[]",
      '["a"]',
      '"abc"',
      "5",
      "null",
      "true",
      "",
      " ",
      "abc",
      "{",
      '{"a":1}x',
      "{'a':1}",
      "{a:1}",
      '{"a":NaN}',
    ].map((body) => forgeToken(header, body)),
    forgeToken(header, text),
    forgeToken(header, Buffer.from('\ufeff{"a":1}')),
    forgeToken(header, Buffer.from('{"a":1}', "utf16le")),
    forgeToken(header, Buffer.from([0x7b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x3a, 0x31, 0x7d])),
  ]);
});

describe("a header that two readers read differently", () => {
  refuse(
    "is refused though the right key signed it",
    withHeader(
      '{"alg":"none","alg":"HS256","typ":"JWT"}',
      '{"alg":"HS256","alg":"HS256","typ":"JWT"}',
      '{"alg":"HS256","typ":"x","typ":"JWT"}',
      '{"alg":"HS256","kid":"a","kid":"b"}',
      '{"\\u0061lg":"HS256","typ":"JWT"}',
      '{"alg":"HS\\u003256","typ":"JWT"}',
      '{"alg":"none","\\u0061lg":"HS256"}',
      '{"alg": "HS256","typ":"JWT"}',
      '{"alg":"HS256","typ":"JWT"}\n',
      '\ufeff{"alg":"HS256","typ":"JWT"}',
      '{"alg":"HS256","typ":"JWT"}\0',
      '[{"alg":"HS256","typ":"JWT"}]',
      '"HS256"',
      "null",
      Buffer.from('{"alg":"HS256","kid":"é"}', "latin1"),
      Buffer.from('{"alg":"HS256","typ":"JWT"}', "utf16le"),
    ),
  );
  const types = [
    "jwt",
    "Jwt",
    "JWT ",
    "",
    "JWS",
    "JOSE",
    "logout+jwt",
    "id_token",
    "AT+JWT",
    "application/at+jwt",
    "dpop+jwt",
  ];
  refuse(
    "is of no other type (RFC 8725, 3.11)",
    withHeader(...[...types, null, 0, ["JWT"], {}].map((typ) => ({ alg: "HS256", typ }))),
  );
});

describe("the text of a token", () => {
  const [head = "", body = "", signature = ""] = honest.split(".");
  const spaces = [" ", "\n", "\r\n", "\t", "\0", "\u00a0", "\u200b", "\ufeff", "\u2028"];
  refuse(
    "has nothing around or inside it",
    spaces.flatMap((space) => [
      space + honest,
      honest + space,
      `${head}${space}.${body}.${signature}`,
      `${head}.${space}${body}.${signature}`,
      `${head}.${body}.${signature.slice(0, 9)}${space}${signature.slice(9)}`,
      signText(`${head}${space}.${body}`),
      signText(`${head}.${body}${space}`),
    ]),
  );
  refuse(
    "has no padding, under a good signature or not",
    ["=", "==", "===", "%3D"].flatMap((padding) => [
      honest + padding,
      signText(`${head}${padding}.${body}`),
      signText(`${head}.${body}${padding}`),
      `Bearer ${honest}`,
      `"${honest}"`,
    ]),
  );
  const stray = strayBit("A");
  const odd = forgeToken(header, { ...payload, a: 1 });
  assert.equal(stray, "B");
  refuse("has no stray bits, under a good signature or not", [
    honest.slice(0, -1) + strayBit(honest.slice(-1)),
    ...[1, 2, 3].flatMap((length) => {
      const long = base64Url({ ...payload, pad: "x".repeat(length) });
      return long.length % 4 === 0
        ? []
        : [signText(`${head}.${long.slice(0, -1)}${strayBit(long.slice(-1))}`)];
    }),
    signText(`${head}.${odd.split(".")[1]}A`),
    `${honest}A`,
  ]);

  it("is in the alphabet of URLs, not in the other one", () => {
    const keys = signingKeys.slice(1);
    const tokens = keys.map((key) => signCompact(payload, key)).filter((token) => /[-_]/.test(token));
    assert.ok(tokens.length > 0);
    for (const token of tokens) {
      assert.equal(readCompact(token.replaceAll("-", "+").replaceAll("_", "/"), anyKey), undefined);
    }
  });

  refuse("has three parts, none of them empty", [
    ...[
      "",
      ".",
      "..",
      "...",
      `${head}.${body}`,
      `${honest}.`,
      `.${honest}`,
      `${honest}.x`,
      `${honest}.${honest}`,
    ],
    ...[`${head}..${signature}`, `.${body}.${signature}`, `${head}.${body}.`, honest.replaceAll(".", "．")],
    ...[honest + honest, honest.toUpperCase(), `${honest},${honest}`, "\ud800.\ud800.\ud800", "é.é.é"],
  ]);
});

describe("floods", () => {
  const million = "a".repeat(1_000_000);
  const deep = "[".repeat(8000);
  refuse("cost nothing", [
    ".".repeat(3),
    ".".repeat(4096),
    ".".repeat(1_000_000),
    million,
    `${million}.${million}.${million}`,
    `${base64Url(million)}.e30.AAAA`,
    forgeToken({ ...header, kid: million }, payload),
    forgeToken(header, { a: million }),
    forgeToken(deep, payload),
    forgeToken(header, `{"a":${deep}${"]".repeat(8000)}}`),
    forgeToken("[".repeat(2900), {}),
    forgeToken(`${"[".repeat(1400)}${"]".repeat(1400)}`, {}),
    forgeToken(`{"alg":"HS256","typ":${"[".repeat(1200)}${"]".repeat(1200)}}`, {}),
    forgeToken(`${'{"a":'.repeat(400)}1${"}".repeat(400)}`, {}),
    forgeToken(header, { a: "x".repeat(2987) }).padEnd(4097, "A"),
    forgeToken(header, { a: "x".repeat(3004) }),
  ]);

  it("of brackets that fit into a token, with a good signature, are read like any payload", () => {
    const text = `{"a":${"[".repeat(1400)}${"]".repeat(1400)}}`;
    assert.deepEqual(Object.keys(readCompact(forgeToken(header, text), anyKey) ?? {}), ["a"]);
  });
});

function splitSignature(token: string): [Buffer, Buffer] {
  const dot = token.lastIndexOf(".");
  return [Buffer.from(token.slice(0, dot)), Buffer.from(token.slice(dot + 1), "base64url")];
}
