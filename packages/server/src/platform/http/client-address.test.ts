import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { addressBlocks } from "../readers.ts";
import { addressBlock, clientAddress, isTrusted, plainAddress } from "./client-address.ts";

const nobody = addressBlocks.read("");
const proxies = addressBlocks.read("10.0.0.0/8, fd00::/8, 127.0.0.1");

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
        assert.equal(typeof addressBlock(text), "string");
      }),
      { numRuns: 500 },
    );
  });
});

describe("what a limit counts by", () => {
  it("is one IPv4 address", () => {
    assert.notEqual(addressBlock("203.0.113.9"), addressBlock("203.0.113.8"));
    for (const dressed of ["::ffff:203.0.113.9", "::ffff:cb00:7109", "0:0:0:0:0:ffff:cb00:7109"]) {
      assert.equal(addressBlock(dressed), "203.0.113.9");
    }
  });

  it("is the /64 of an IPv6 address, since one customer has all of it", () => {
    const block = addressBlock("2001:db8:1:2::1");
    for (const neighbour of [
      ...[
        "2001:db8:1:2:ffff:ffff:ffff:ffff",
        "2001:DB8:1:2::2",
        "2001:0db8:0001:0002::3",
        "2001:db8:1:2::%eth0",
      ],
    ]) {
      assert.equal(addressBlock(neighbour), block, neighbour);
    }
    for (const stranger of ["2001:db8:1:3::1", "2001:db8:1::1", "::2001:db8:1:2", "2001:db8::1:2"]) {
      assert.notEqual(addressBlock(stranger), block, stranger);
    }
    assert.equal(addressBlock("2001:db8::1"), "2001:db8:0:0::/64");
    assert.equal(addressBlock("::1"), "0:0:0:0::/64");
  });
});
