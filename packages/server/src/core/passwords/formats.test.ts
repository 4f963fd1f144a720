/** Holds the hash formats to vectors that Django made, and to never throwing or overpaying. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { hash as hashBcrypt } from "bcryptjs";
import * as fc from "fast-check";
import { desCrypt } from "./des-crypt.ts";
import {
  argon2Ceiling,
  encodeArgon2id,
  isKnownFormat,
  isOutdated,
  makeOf,
  makeOfArgon2id,
  verifyEncoded,
} from "./formats.ts";
import hashes from "./hashes.json" with { type: "json" };

const cheap = { memoryKib: 64, passes: 1, parallelism: 1 };
const phrase = "correct horse battery staple";
const cheapVectors = hashes.vectors.filter((vector) =>
  /\$1000\$|m=8192|m=512|\$04\$|^(?:sha1|md5|crypt)|^[0-9a-f]{32}$/.test(vector.encoded),
);
const phcTail = "Z29sZGVuU2FsdDAxMjM0NQ$dxM1hXkV7gGZjXywxdkuLzr1WdabC0Tw5fkqIHSaXzc";
const bcryptTail = "PbbgG1EIyUxFPDSIbUE6ZOQ.W5ueodDCrfYYuwaRO1yCCskohwjua";

describe("a hash that Django made", { concurrency: 2 }, () => {
  for (const { algorithm, password, encoded, longerVerifies } of hashes.vectors) {
    it(`verifies its password and no other: ${algorithm}, ${encoded.slice(0, 44)}…`, async () => {
      assert.ok(isKnownFormat(encoded));
      assert.equal(await verifyEncoded(password, encoded), true);
      // A second look at a dear hash proves nothing that a cheap one of the same algorithm does not.
      const isDear = !cheapVectors.some((vector) => vector.encoded === encoded);
      if (isDear && !longerVerifies && cheapVectors.some((vector) => vector.algorithm === algorithm)) return;
      // bcrypt reads 72 bytes, DES crypt eight: whatever follows was never part of the password.
      assert.equal(await verifyEncoded(`${password}x`, encoded), longerVerifies);
    });
  }

  it("does not verify another case, an empty password or a changed beginning", async () => {
    for (const { password, encoded } of cheapVectors) {
      for (const wrong of ["", password.toUpperCase(), `x${password.slice(1, -1)}`, ` x ${password}`]) {
        if (wrong === password || password === "x".repeat(100)) continue;
        assert.equal(await verifyEncoded(wrong, encoded), false, `${wrong} on ${encoded}`);
      }
    }
  });

  it("is tried as typed, then trimmed of what Python calls white space", async () => {
    const spaces =
      "\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000";
    for (const { password, encoded } of cheapVectors) {
      assert.equal(await verifyEncoded(`${spaces}${password}${spaces}`, encoded), true, encoded);
    }
    assert.equal(await verifyEncoded(`\ufeff${phrase}`, cheapVectors[0]?.encoded), false);
  });

  it("verifies a password whose white space was hashed with it", async () => {
    assert.equal(await verifyEncoded(" a ", `md5$salt$${md5("salt a ")}`), true);
    assert.equal(await verifyEncoded("a", `md5$salt$${md5("salt a ")}`), false);
  });

  it("is of the characters as typed: their decomposed form is another password", async () => {
    assert.equal(await verifyEncoded("ä", md5("ä")), true);
    assert.equal(await verifyEncoded("a\u0308", md5("ä")), false);
  });

  it("may be bcrypt of any prefix, with or without Django's", async () => {
    for (const kind of ["2a", "2b", "2y"]) {
      assert.equal(await verifyEncoded(phrase, `$${kind}$04$${bcryptTail}`), true);
      assert.equal(await verifyEncoded(phrase, `bcrypt$$${kind}$04$${bcryptTail}`), true);
    }
  });

  it("is not opened by a NUL that bcrypt and crypt would read over", async () => {
    assert.equal(await verifyEncoded("abc\0abc", await hashBcrypt("abc", 4)), false);
    assert.equal(await verifyEncoded("abc\0", `crypt$$${desCrypt(Buffer.from("abc"), "ab")}`), false);
  });

  it("is not opened by a lone surrogate, which has no bytes of its own", async () => {
    assert.equal(await verifyEncoded("\ufffd", md5("\ufffd")), true);
    assert.equal(await verifyEncoded("\ud800", md5("\ufffd")), false);
  });
});

describe("the make of a hash", () => {
  it("is a hash of the same algorithm and cost, with nothing of its salt or key, that its password does not open", async () => {
    for (const { encoded } of hashes.vectors) {
      const make = makeOf(encoded) ?? "";
      assert.equal(makeOf(make), make, encoded);
      assert.equal(make.length > 12 && make !== encoded, true, encoded);
      const costs = (text: string) => text.match(/(?<=\$)\d+(?=\$)|[mtp]=\d+/g);
      if (!/^[0-9a-f]{32}$/.test(encoded)) assert.deepEqual(costs(make), costs(encoded), encoded);
      const secrets = encoded.split(/[$,]/).filter((part) => /^.{20,}$/.test(part));
      for (const secret of secrets) assert.ok(!make.includes(secret), encoded);
    }
    for (const { password, encoded } of cheapVectors) {
      assert.equal(await verifyEncoded(password, makeOf(encoded)), false, encoded);
    }
  });

  it("is the same for two hashes of one cost, and another where a parameter differs", async () => {
    const [one, other] = [await encodeArgon2id(phrase, cheap), await encodeArgon2id("other", cheap)];
    assert.equal(makeOf(one), makeOf(other));
    assert.equal(makeOf(one), makeOfArgon2id(cheap));
    const scrypt = (p: number) => `scrypt$16384$salt$8$${p}$${"A".repeat(86)}==`;
    assert.notEqual(makeOf(scrypt(1)), makeOf(scrypt(5)));
    assert.notEqual(makeOf(one), makeOf(`argon2${one}`), "Django's is tried trimmed too");
    for (const encoded of [null, "", "!", "!x", "plain$x"]) assert.equal(makeOf(encoded), undefined);
  });
});

describe("a hash of ours", () => {
  it("is standard argon2id with the parameters asked for", async () => {
    const encoded = await encodeArgon2id(phrase, { memoryKib: 64, passes: 2, parallelism: 3 });
    assert.match(encoded, /^\$argon2id\$v=19\$m=64,t=2,p=3\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.equal(await verifyEncoded(phrase, encoded), true);
    assert.equal(await verifyEncoded(`${phrase}x`, encoded), false);
  });

  it("differs from the next one of the same password, unless the salt is given", async () => {
    assert.notEqual(await encodeArgon2id(phrase, cheap), await encodeArgon2id(phrase, cheap));
    const salt = Buffer.alloc(16, 7);
    assert.equal(await encodeArgon2id(phrase, cheap, salt), await encodeArgon2id(phrase, cheap, salt));
  });

  it("is the same for every spelling that NFKC joins", async () => {
    const encoded = await encodeArgon2id("Ame\u0301lie ﬁ", cheap);
    assert.equal(await verifyEncoded("Amélie fi", encoded), true);
    assert.equal(await verifyEncoded("Ame\u0301lie ﬁ", encoded), true);
    assert.equal(await verifyEncoded("Amelie fi", encoded), false);
  });

  it("takes white space at the ends as part of the password", async () => {
    assert.equal(await verifyEncoded(" a", await encodeArgon2id("a", cheap)), false);
    assert.equal(await verifyEncoded("a", await encodeArgon2id(" a", cheap)), false);
  });

  it("reads every byte: two passwords alike in their first 72 differ", async () => {
    const encoded = await encodeArgon2id(`${"é".repeat(36)}a`, cheap);
    assert.equal(await verifyEncoded(`${"é".repeat(36)}b`, encoded), false);
  });

  it("is not made with parameters that could not be checked again", async () => {
    for (const change of [
      { memoryKib: argon2Ceiling.memoryKib + 1 },
      { passes: argon2Ceiling.passes + 1 },
      { parallelism: argon2Ceiling.parallelism + 1 },
      { memoryKib: 7 },
      { passes: 0 },
      { parallelism: 0 },
      { passes: 1.5 },
      { passes: Number.NaN },
    ]) {
      await assert.rejects(encodeArgon2id(phrase, { ...cheap, ...change }), RangeError);
    }
  });

  it("round-trips for any password", async () => {
    const password = fc.string({ unit: "grapheme", maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(password, async (password) =>
        verifyEncoded(password, await encodeArgon2id(password, cheap)),
      ),
      { numRuns: 60 },
    );
  });
});

describe("a hash is outdated", () => {
  it("unless it is argon2id with exactly the parameters of today", async () => {
    const encoded = await encodeArgon2id(phrase, cheap);
    assert.equal(isOutdated(encoded, cheap), false);
    for (const change of [{ memoryKib: 65 }, { passes: 2 }, { parallelism: 2 }, { memoryKib: 6 }]) {
      assert.equal(isOutdated(encoded, { ...cheap, ...change }), true);
    }
    assert.equal(isOutdated(encoded.replace("argon2id", "argon2i"), cheap), true);
    assert.equal(isOutdated(`argon2${encoded}`, cheap), true);
    for (const vector of hashes.vectors) assert.equal(isOutdated(vector.encoded, cheap), true);
  });
});

describe("what cannot be a hash", () => {
  it("does not verify: empty, unusable, unknown or malformed", async () => {
    const phc = `$argon2id$v=19$m=8192,t=1,p=1$${phcTail}`;
    const wrong = [
      ...[
        undefined,
        null,
        "",
        " ",
        "!",
        hashes.unusable,
        `!${phc}`,
        "plain",
        phrase,
        "$",
        "$$$$",
        "sha512$a$b",
      ],
      ...[
        "md5",
        "md5$",
        "md5$$",
        "md5$a",
        "sha1$$",
        "crypt$$",
        "crypt$$ab",
        "9cc2ae8a1ba7a93da39b46fc1019c48",
      ],
      ...[
        phc.slice(0, -30),
        `${phc}!`,
        `${phc}\n`,
        ` ${phc}`,
        phc.replace("v=19", "v=18"),
        `${phc.slice(0, -1)}d`,
      ],
      ...[
        phc.replace("m=8192,t=1", "t=1,m=8192"),
        phc.replace("m=8192", "m=+8192"),
        phc.replace("2id", "2x"),
      ],
      ...[phc.replace("m=8192", "m=8192,data=AAAA"), `argon2$${phc}`, phc.slice(1), `$${phc}`],
      ...["pbkdf2_sha256$1000$seasalt", "pbkdf2_sha256$many$seasalt$3xmX", "pbkdf2_sha256$0$seasalt$3xmX"],
      ...[
        "pbkdf2_sha256$1000$seasalt$9iRYj0as1r5j+cCBxB+HMlxkyr4=",
        "pbkdf2_sha256$1e3$a$b",
        "scrypt$16384$a$8",
      ],
      ...[
        `$2b$04$${bcryptTail.slice(1)}`,
        `$2x$04$${bcryptTail}`,
        `$2b$4$${bcryptTail}`,
        `bcrypt_sha256$${phc}`,
      ],
    ];
    for (const encoded of wrong) {
      assert.equal(await verifyEncoded(phrase, encoded), false, String(encoded));
      if (!encoded?.startsWith("$argon2id$v=19$m=8192"))
        assert.equal(isKnownFormat(encoded), false, String(encoded));
    }
  });

  it("does not verify, at once, when it names an absurd cost", async () => {
    const key = Buffer.alloc(64).toString("base64");
    const absurd = [
      ...[
        "m=262145,t=2,p=1",
        "m=4294967295,t=1,p=1",
        "m=8192,t=11,p=1",
        "m=8192,t=1,p=17",
        "m=7,t=1,p=1",
      ].flatMap((costs) => [`$argon2id$v=19$${costs}$${phcTail}`, `argon2$argon2d$v=19$${costs}$${phcTail}`]),
      `pbkdf2_sha256$5000001$a$${Buffer.alloc(32).toString("base64")}`,
      `pbkdf2_sha1$9999999999$a$${Buffer.alloc(20).toString("base64")}`,
      ...["03", "15", "31", "99"].flatMap((cost) => [
        `$2b$${cost}$${bcryptTail}`,
        `bcrypt$$2b$${cost}$${bcryptTail}`,
        `bcrypt_sha256$$2b$${cost}$${bcryptTail}`,
      ]),
      ...[
        "262144$a$8$2",
        "16384$a$8$17",
        "4294967296$a$1$1",
        "1$a$8$1",
        "16383$a$8$1",
        "2$a$9999999999$1",
      ].map((costs) => `scrypt$${costs}$${key}`),
      `md5$${"a".repeat(500)}$${md5("")}`,
    ];
    for (const encoded of absurd) {
      assert.equal(isKnownFormat(encoded), false, encoded);
      assert.equal(await verifyEncoded(phrase, encoded), false, encoded);
    }
  });

  it("never throws, whatever is stored and whatever is typed", async () => {
    const spoiled = fc
      .record({
        encoded: fc.constantFrom(...cheapVectors.map((vector) => vector.encoded)),
        at: fc.nat(110),
        instead: fc.oneof(
          fc.constantFrom("", "$", "=", "!", "\0"),
          fc.string({ unit: "binary", maxLength: 3 }),
        ),
      })
      .map(({ encoded, at, instead }) => encoded.slice(0, at) + instead + encoded.slice(at + 1));
    const stored = fc.oneof(
      spoiled,
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.constantFrom(null, undefined),
    );
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "binary" }), stored, async (password, encoded) => {
        assert.equal(typeof isKnownFormat(encoded), "boolean");
        assert.equal(await verifyEncoded(password, encoded), false);
      }),
      { numRuns: 300 },
    );
  });
});

describe("checking a hash", () => {
  it("leaves the event loop free meanwhile", async () => {
    const slow = hashes.vectors
      .filter((vector) => /\$1000000\$|^scrypt|m=102400/.test(vector.encoded))
      .slice(0, 3);
    let turns = 0;
    const timer = setInterval(() => turns++, 5);
    await Promise.all(slow.map(({ encoded }) => verifyEncoded("wrong", encoded)));
    clearInterval(timer);
    assert.ok(turns > 5, `${turns} turns of the loop`);
  });
});

function md5(text: string): string {
  return createHash("md5").update(text).digest("hex");
}
