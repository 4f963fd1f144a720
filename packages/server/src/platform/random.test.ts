import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import {
  type RandomBytes,
  randomDigits,
  randomUuid,
  randomUuidShapedToken,
  systemRandomBytes,
} from "./random.ts";

/** Bytes that look random and are the same in every run. */
function seededBytes(seed: string): RandomBytes {
  let count = 0;
  return (size) => {
    count += 1;
    return createHash("shake256", { outputLength: size }).update(`${seed} ${count}`).digest();
  };
}

/** Gives these numbers, one after the other, as four bytes each. */
function draws(...numbers: number[]): RandomBytes {
  return () => {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(numbers.shift() ?? assert.fail("one draw too many"));
    return bytes;
  };
}

describe("random digits", () => {
  it("fall on each value equally often", () => {
    const randomBytes = seededBytes("digits");
    const counts = new Array<number>(100).fill(0);
    for (let n = 0; n < 100_000; n += 1) {
      const value = Number(randomDigits(randomBytes, 2));
      counts[value] = (counts[value] ?? 0) + 1;
    }
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    // 99 degrees of freedom: above 149 once in a thousand seeds, and this seed is fixed.
    assert.ok(chiSquare < 149, `${chiSquare}`);
  });

  it("throw away the draws that would favour small values", () => {
    // 2^32 is 4294 times a million and 967,296 over.
    assert.equal(randomDigits(draws(2 ** 32 - 967_296, 2 ** 32 - 1, 7), 6), "000007");
    assert.equal(randomDigits(draws(2 ** 32 - 967_297), 6), "999999");
  });

  it("are as many as asked for, with zeros in front", () => {
    assert.deepEqual(
      [randomDigits(draws(0), 6), randomDigits(draws(42), 6), randomDigits(draws(5), 1)],
      ["000000", "000042", "5"],
    );
  });
});

describe("a random UUID", () => {
  it("is of version 4, whatever the bytes", () => {
    for (const byte of [0, 0xff, 0x5a]) {
      const uuid = randomUuid(() => new Uint8Array(16).fill(byte));
      assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    }
  });

  it("leaves the bytes that it was made of as they are", () => {
    const bytes = new Uint8Array(16).fill(0xff);
    randomUuid(() => bytes);
    assert.deepEqual(bytes, new Uint8Array(16).fill(0xff));
  });

  it("does not come twice", () => {
    assert.equal(new Set(Array.from({ length: 1000 }, () => randomUuid(systemRandomBytes))).size, 1000);
  });
});

describe("a token in the shape of a UUID", () => {
  it("keeps all of its 128 bits", () => {
    assert.equal(
      randomUuidShapedToken(() => new Uint8Array(16).fill(0xff)),
      "ffffffff-ffff-ffff-ffff-ffffffffffff",
    );
    assert.equal(
      randomUuidShapedToken((size) => Uint8Array.from({ length: size }, (_, n) => n)),
      "00010203-0405-0607-0809-0a0b0c0d0e0f",
    );
  });
});
