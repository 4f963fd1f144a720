import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ambiguousAddresses } from "../../testing/ambiguous-addresses.ts";
import { isMailableAddress, parseMailbox } from "./mailbox.ts";

describe("isMailableAddress", () => {
  it("takes the addresses people have", () => {
    const addresses = [
      "maria@exemplo.com",
      "a.b+c_d'e@x.test",
      "joão@exemplo.com",
      "a@xn--jgeva-dua.ee",
      "a@localhost",
    ];
    for (const address of [...addresses, '"ann..lee"@x.test', "a@[192.0.2.1]", "a@[IPv6:2001:db8::1]"]) {
      assert.ok(isMailableAddress(address), address);
    }
  });

  it("refuses whatever could be read as another address, or as more than one", () => {
    for (const address of ambiguousAddresses)
      assert.equal(isMailableAddress(address), false, JSON.stringify(address));
  });

  it("refuses what is no address at all", () => {
    for (const address of [
      "",
      "@",
      "a",
      "a@",
      "@x.test",
      " a@x.test",
      "a@x.test ",
      `${"a".repeat(250)}@x.test`,
    ]) {
      assert.equal(isMailableAddress(address), false, JSON.stringify(address));
    }
  });
});

describe("parseMailbox", () => {
  it("reads an address alone, with a name and with a quoted name", () => {
    assert.deepEqual(parseMailbox(" noreply@x.test "), { name: "", address: "noreply@x.test" });
    assert.deepEqual(parseMailbox("<noreply@x.test>"), { name: "", address: "noreply@x.test" });
    assert.deepEqual(parseMailbox("Olá Mundo <noreply@x.test>"), {
      name: "Olá Mundo",
      address: "noreply@x.test",
    });
    assert.deepEqual(parseMailbox('"Fish, \\"Chips\\" & Co." <noreply@x.test>'), {
      name: 'Fish, "Chips" & Co.',
      address: "noreply@x.test",
    });
  });

  it("refuses lists, second addresses and lines of their own", () => {
    const texts = [
      "Name",
      "a@x.test, b@y.test",
      "A <a@x.test>, B <b@y.test>",
      "A <a@x.test> B",
      "A <a@x.test",
      "A a@x.test>",
    ];
    const more = [
      "Fish, Chips <a@x.test>",
      "b@y.test <a@x.test>",
      "A\r\nBcc: b@y.test <a@x.test>",
      'A" <a@x.test>',
      "A <>",
      "A\r\nB <a@x.test>",
      "A\0 <a@x.test>",
    ];
    for (const text of [...texts, ...more, ...ambiguousAddresses, `A <${ambiguousAddresses[0]}>`]) {
      assert.equal(parseMailbox(text), undefined, JSON.stringify(text));
    }
  });
});
