import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import * as read from "../readers.ts";
import { addressBlocks, clientAddress, isTrusted, plainAddress } from "./client-address.ts";

const nobody = read.addressBlocks.read("");
const proxies = read.addressBlocks.read("10.0.0.0/8, fd00::/8, 127.0.0.1");

describe("the caller's address", () => {
  it("is the socket's, whatever the headers say, when no proxy is trusted", () => {
    for (const header of [null, "", "1.2.3.4", "127.0.0.1", "203.0.113.9, 127.0.0.1", "garbage", "unknown"]) {
      assert.equal(clientAddress("203.0.113.9", header, nobody), "203.0.113.9");
      assert.equal(clientAddress("203.0.113.9", header, proxies), "203.0.113.9");
    }
  });

  it("is the last one that no trusted proxy stands behind", () => {
    const chains: [string, string | null, string][] = [
      ["10.0.0.1", "203.0.113.9", "203.0.113.9"],
      ["10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"],
      ["10.0.0.1", "203.0.113.9,10.0.0.3 ,\t10.0.0.2", "203.0.113.9"],
      // What stands further left was written by the caller himself.
      ["10.0.0.1", "1.1.1.1, 203.0.113.9", "203.0.113.9"],
      ["10.0.0.1", "127.0.0.1, 10.0.0.9, 203.0.113.9, 10.0.0.2", "203.0.113.9"],
      ["10.0.0.1", "10.0.0.9, 10.0.0.8", "10.0.0.9"],
      ["10.0.0.1", null, "10.0.0.1"],
      ["10.0.0.1", "", "10.0.0.1"],
      ["::ffff:10.0.0.1", "2001:DB8::9", "2001:db8::9"],
      ["::FFFF:0a00:0001", "203.0.113.9", "203.0.113.9"],
      ["fd00::1%eth0", "::ffff:203.0.113.9", "203.0.113.9"],
      ["10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"],
      ["10.0.0.1", "203.0.113.9:4711", "203.0.113.9"],
    ];
    for (const [socket, header, address] of chains) {
      assert.equal(clientAddress(socket, header, proxies), address, header ?? "");
    }
  });

  it("stays with the nearest proxy when that names nobody", () => {
    for (const header of [
      ...[
        "unknown",
        "_hidden",
        "203.0.113.9, unknown",
        "203.0.113.999",
        "localhost",
        "203.0.113.9, ,",
        "for=203.0.113.9",
      ],
      ...[
        '"203.0.113.9"',
        "0x7f.1",
        "2130706433",
        "203.0.113.9 203.0.113.8",
        "203.0.113.9%eth0",
        "::1::",
        "\u0000",
      ],
    ]) {
      assert.equal(clientAddress("10.0.0.1", header, proxies), "10.0.0.1", header);
    }
  });

  it("is found in bounded time in a header of any length", () => {
    assert.equal(
      clientAddress("10.0.0.1", `${"1.1.1.1,".repeat(100_000)}203.0.113.9`, proxies),
      "203.0.113.9",
    );
    clientAddress("10.0.0.1", "10.0.0.2,".repeat(100_000), proxies);
  });

  it("is nothing when there is no socket", () => {
    assert.equal(clientAddress("", "203.0.113.9", proxies), "");
    assert.equal(isTrusted("", proxies), false);
  });
});

describe("an address in its one spelling", () => {
  it("is the same however it is written", () => {
    const spellings: Record<string, readonly string[]> = {
      "127.0.0.1": [
        ...["127.0.0.1", "::ffff:127.0.0.1", "::FFFF:127.0.0.1", "::ffff:7f00:1", "0:0:0:0:0:ffff:7f00:0001"],
        ...[
          "[::ffff:127.0.0.1]",
          "127.0.0.1:80",
          "[::ffff:7f00:1]:443",
          "0000:0000:0000:0000:0000:FFFF:127.0.0.1",
        ],
      ],
      "2001:db8::1": [
        ...[
          "2001:db8::1",
          "2001:DB8::1",
          "2001:0db8:0000:0000:0000:0000:0000:0001",
          "2001:db8:0:0::1",
          "[2001:db8::1]",
        ],
        ...["[2001:db8::1]:8080", "2001:db8::1%eth0", "[2001:db8::1%25eth0]:80", "2001:db8::0.0.0.1"],
      ],
      "::1": ["::1", "0:0:0:0:0:0:0:1", "::0001", "[::1]:1"],
    };
    for (const [plain, all] of Object.entries(spellings)) {
      for (const spelling of all) assert.equal(plainAddress(spelling), plain, spelling);
    }
  });

  it("is no name, number or leftover", () => {
    for (const text of [
      "",
      "localhost",
      "1.2.3",
      "1.2.3.4.5",
      "256.1.1.1",
      "1.2.3.4/8",
      "1.2.3.4%x",
      "01.2.3.4",
      "::g",
      "[]",
      ":",
    ]) {
      assert.equal(plainAddress(text), undefined, text);
    }
  });

  it("is found for every address, and no text makes it throw", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.string({ unit: "binary" })), (text) => {
        const plain = plainAddress(text);
        if (plain !== undefined) assert.equal(plainAddress(plain), plain);
        for (const block of addressBlocks(text)) assert.equal(typeof block, "string");
      }),
      { numRuns: 500 },
    );
  });
});

describe("what a limit counts by", () => {
  it("is one IPv4 address", () => {
    assert.notDeepEqual(addressBlocks("203.0.113.9"), addressBlocks("203.0.113.8"));
    for (const dressed of ["::ffff:203.0.113.9", "::ffff:cb00:7109", "0:0:0:0:0:ffff:cb00:7109"]) {
      assert.deepEqual(addressBlocks(dressed), ["203.0.113.9"]);
    }
  });

  it("is the /64, the /56 and the /48 of an IPv6 address, since one customer may have all of them", () => {
    const blocks = addressBlocks("2001:db8:1:a2b::1");
    assert.deepEqual(blocks, ["2001:db8:1:a2b::/64", "2001:db8:1:a00::/56", "2001:db8:1::/48"]);
    for (const neighbour of [
      ...[
        "2001:db8:1:a2b:ffff:ffff:ffff:ffff",
        "2001:DB8:1:A2B::2",
        "2001:0db8:0001:0a2b::3",
        "2001:db8:1:a2b::%eth0",
      ],
    ]) {
      assert.deepEqual(addressBlocks(neighbour), blocks, neighbour);
    }
    const countShared = (one: string) => addressBlocks(one).filter((block) => blocks.includes(block)).length;
    assert.equal(countShared("2001:db8:1:aff::1"), 2);
    assert.equal(countShared("2001:db8:1:b2b::1"), 1);
    for (const stranger of ["2001:db8:2:a2b::1", "2001:db8::a2b", "::2001:db8:1:a2b"]) {
      assert.equal(countShared(stranger), 0, stranger);
    }
    assert.deepEqual(addressBlocks("2001:db8::1"), [
      "2001:db8:0:0::/64",
      "2001:db8:0:0::/56",
      "2001:db8:0::/48",
    ]);
    assert.deepEqual(addressBlocks("::1"), ["0:0:0:0::/64", "0:0:0:0::/56", "0:0:0::/48"]);
  });
});
