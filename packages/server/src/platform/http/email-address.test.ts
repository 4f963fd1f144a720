import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { isemailAddresses } from "../../testing/isemail.ts";
import { canonicalEmail, emailMaxLength, isEmailAddress, storedEmail } from "./email-address.ts";
import { email } from "./fields.ts";

const root = new URL("../../../../../tests/", import.meta.url);

interface Recording {
  readonly group: string;
  readonly request: { readonly json: { readonly email: string } };
  readonly response: { readonly status: number; readonly text: string };
}

const recordings: Recording[] = JSON.parse(
  readFileSync(new URL("contract/original/goldens.json", root), "utf8"),
);

describe("an e-mail address", () => {
  it("is one where the original took it for one", () => {
    const vectors = recordings.filter(({ group }) => group === "email-vectors");
    assert.ok(vectors.length >= 20);
    for (const { request, response } of vectors) {
      const checked = email().check(request.json.email);
      const body = "problems" in checked ? { email: checked.problems.map(({ en }) => en) } : undefined;
      const theirs = response.status === 200 ? undefined : JSON.parse(response.text);
      assert.deepEqual(body, theirs, request.json.email);
    }
  });

  it("is accepted or refused in the twinkling of an eye, however odd (isemail)", () => {
    const addresses = isemailAddresses();
    assert.equal(addresses.length, 164 + 279);
    const checked = addresses.map((address) => email().check(address));
    const accepted = checked.flatMap((one) => ("value" in one ? [storedEmail(one.value)] : []));
    assert.ok(accepted.length > 50 && accepted.length < 300, `${accepted.length} accepted`);
    // Nothing accepted can end a line or hold two addresses outside quotes: mail goes to one mailbox.
    for (const address of accepted) {
      assert.doesNotMatch(address, /[\r\n]/);
      assert.doesNotMatch(address.replace(/^"(?:[^"\\]|\\.)*"/s, ""), /[\s,;<>()"\\]|@.*@/, address);
    }
  });

  it("is no list, comment, header or display name", () => {
    for (const address of [
      ...[
        "a@x.test,b@y.test",
        "a@x.test;b@y.test",
        "a@x.test b@y.test",
        "a@x.test\r\nBcc: b@y.test",
        "a@x.test\n",
      ],
      ...[
        '"b@y.test x"@x.test',
        "<b@y.test>a@x.test",
        "a@x.test(b@y.test)",
        "b@y.test>a@x.test",
        "<a@x.test>",
      ],
      ...[
        "=?utf-8?q?=62=40y.test=3E=00?=a@x.test",
        "a@b@x.test",
        "a\0@x.test",
        "a@x.test\0",
        "mailto:a@x.test?cc=b",
      ],
      ...[
        "a@x.test%0ab@y.test",
        "a@x.test\u2028",
        "a@",
        "@x.test",
        "@",
        "",
        "a",
        "a@.test",
        "a@x..test",
        "a@-x.test",
      ],
    ]) {
      assert.equal(isEmailAddress(address), false, JSON.stringify(address));
    }
  });

  it("names a domain and nothing that the URL standard would make one of", () => {
    for (const domain of [
      ...[
        "x.test/evil",
        "x.test?y",
        "x.test#y",
        "x.test\\y",
        "x.test:80",
        "x%2Etest",
        "x\t.test",
        "x.test.",
        "x_y.test",
      ],
      ...[
        "bücher.test/evil",
        "bücher.test?y",
        "bücher.test#y",
        "bücher%2Etest",
        "bü cher.test",
        "b\tücher.test",
      ],
      ...[
        "bücher.test:80",
        "bücher.test.",
        "bücher",
        "０x7f.1",
        "１２７.0.0.1",
        "x.test／evil",
        "x.test＃y",
        "u@bücher.test",
      ],
      ...[
        "[127.0.0.1",
        "[127.0.0.1]x",
        "[fe80::1%eth0]",
        "[fe80::1%25eth0]",
        "[IPv6:::1]",
        "[::1].test",
        "[x.test]",
        "[]",
      ],
      ...["[０.0.0.1]", "[bücher]"],
    ]) {
      assert.equal(isEmailAddress(`a@${domain}`), false, domain);
    }
    for (const domain of [
      "bücher.example",
      "x。test",
      "пример.рф",
      "xn--bcher-kva.example",
      "[::1]",
      "localhost",
    ]) {
      assert.ok(isEmailAddress(`a@${domain}`), domain);
    }
  });

  it("begins behind the last @, since a quoted local part may hold another", () => {
    assert.ok(isEmailAddress('"ada@home"@x.test'));
    assert.equal(storedEmail('"Ada@Home"@X.test'), '"Ada@Home"@x.test');
  });

  it("is as long as mail servers take, in the form it is written to", () => {
    assert.ok(isEmailAddress(`${"a".repeat(64)}@x.test`) && isEmailAddress(`${"a".repeat(200)}@x.test`));
    const domain = `${`${"a".repeat(62)}.`.repeat(3)}test`;
    assert.ok(isEmailAddress(`a@${domain}`));
    assert.equal(isEmailAddress(`a@${"a".repeat(64)}.test`), false);
    // 53 letters more as punycode: within 254 as typed, beyond it as stored.
    const local = "a".repeat(240);
    assert.equal(isEmailAddress(`${local}@bücher.test`), false);
    assert.ok(isEmailAddress(`${"a".repeat(230)}@bücher.test`));
  });

  it("is judged in time that grows with its length and no faster", () => {
    const shapes: ((size: number) => string)[] = [
      (size) => "a".repeat(size),
      (size) => `${"a.".repeat(size / 2)}@x.test`,
      (size) => `a@${"a.".repeat(size / 2)}`,
      (size) => `a@${"a-".repeat(size / 2)}`,
      (size) => `"${"\\a".repeat(size / 2)}`,
      (size) => `"${"!".repeat(size)}@x.test`,
      (size) => `a@${"ü".repeat(size)}.test`,
      (size) => `a@${"ü.".repeat(size / 2)}`,
      (size) => "@".repeat(size),
      (size) => `a@[${":".repeat(size)}]`,
    ];
    for (const shape of shapes) {
      isEmailAddress(shape(200_000));
    }
  });

  it("never makes the check throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.emailAddress()), fc.string(), (one, other) => {
        for (const text of [one, `${one}@${other}`, `a@${one}`]) {
          if (isEmailAddress(text)) assert.ok(isEmailAddress(storedEmail(text)), text);
          assert.equal(typeof canonicalEmail(text), "string");
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("an address as it is stored", () => {
  it("has its domain in lower-case ASCII and its local part as typed", () => {
    const pairs = {
      "Ada@Example.ORG": "Ada@example.org",
      "ada@BÜCHER.example": "ada@xn--bcher-kva.example",
      "ada@bu\u0308cher.example": "ada@xn--bcher-kva.example",
      "ada@faß.de": "ada@xn--fa-hia.de",
      "ada@XN--BCHER-KVA.example": "ada@xn--bcher-kva.example",
      "ada@ｘ.ｔｅｓｔ": "ada@x.test",
      "ada@[::FFFF:1.2.3.4]": "ada@[::ffff:1.2.3.4]",
      '"A b"@X.test': '"A b"@x.test',
      // Not 10.0.0.16, as a URL would read it.
      "ada@0xa.0.0.020": "ada@0xa.0.0.020",
    };
    for (const [given, stored] of Object.entries(pairs)) assert.equal(storedEmail(given), stored);
  });

  it("is stored the same when it is stored again", () => {
    fc.assert(
      fc.property(fc.emailAddress(), (address) => {
        assert.equal(storedEmail(storedEmail(address)), storedEmail(address));
        assert.ok(storedEmail(address).length <= emailMaxLength || !isEmailAddress(address));
      }),
    );
  });
});

describe("two addresses", () => {
  const isSame = (one: string, other: string) => canonicalEmail(one) === canonicalEmail(other);

  it("are the same one in any case and any script of the domain", () => {
    for (const other of [
      "ADA@EXAMPLE.ORG",
      "Ada@example.org",
      "ada@ｅxample.org",
      "ada@example。org",
      "ada@exam\u200bple.org",
    ]) {
      assert.ok(isSame("ada@example.org", other), other);
    }
    assert.ok(isSame("ada@bücher.example", "ADA@xn--BCHER-kva.EXAMPLE"));
  });

  it("are two where only a provider would take them for one", () => {
    for (const other of [
      "ada+tag@example.org",
      "a.da@example.org",
      "ada@www.example.org",
      '"ada"@example.org',
      "adà@example.org",
    ]) {
      assert.ok(!isSame("ada@example.org", other), other);
    }
  });
});
