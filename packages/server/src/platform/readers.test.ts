import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import * as read from "./readers.ts";
import type { Reader } from "./settings.ts";

const nonsense = [
  "abc",
  "-1",
  "1e99",
  "NaN",
  "Infinity",
  "null",
  "{}",
  "[]",
  "\0",
  "١٢",
  "1,5",
  "1.5",
  "0x10",
];

function refuses(reader: Reader<unknown>, texts: readonly string[], sentence: RegExp): void {
  for (const text of texts) assert.throws(() => reader.read(text), sentence, JSON.stringify(text));
}

describe("a switch", () => {
  it("is read as people write one", () => {
    for (const text of ["1", "true", "True", "YES", " on "])
      assert.equal(read.switchedOn.read(text), true, text);
    for (const text of ["0", "false", "False", "NO", " off "])
      assert.equal(read.switchedOn.read(text), false, text);
  });

  it("is never taken for on because it is not empty", () => {
    refuses(
      read.switchedOn,
      [...nonsense, "", "2", "y", "t", "offf", "disabled"],
      /^Error: must be on or off/,
    );
  });
});

describe("a whole number", () => {
  const port = read.wholeNumber(0, 65535);

  it("lies within its bounds, both included", () => {
    assert.deepEqual(["0", "65535", " 8000 ", "008"].map(port.read), [0, 65535, 8000, 8]);
    refuses(port, ["65536", "99999999999999999999"], /must be a whole number from 0 to 65535/);
    refuses(read.wholeNumber(8, 64), ["7", "65"], /from 8 to 64/);
  });

  it("is nothing else", () => {
    refuses(port, [...nonsense, "", " ", "10m", "8_000", "8000;", "+5", "-0"], /must be a whole number/);
  });
});

describe("a rate", () => {
  it("is how many in what time, within a day", () => {
    assert.deepEqual(["30/1m", " 20/1h ", "999999/24h"].map(read.rate.read), [
      { most: 30, within: 60_000 },
      { most: 20, within: 3_600_000 },
      { most: 999_999, within: 86_400_000 },
    ]);
    const wrong = [
      "",
      "30",
      "30/",
      "/1m",
      "0/1m",
      "30/m",
      "30/25h",
      "30/0m",
      "-1/1m",
      "30 per minute",
      "1000000/1m",
    ];
    refuses(read.rate, [...nonsense, ...wrong], /must be how many in what time, such as 30\/1m/);
  });
});

describe("a duration", () => {
  const reader = read.duration("5m", "24h");

  it("lies within its bounds, both included", () => {
    assert.deepEqual(
      ["5m", "300s", "24h", "1d"].map(reader.read),
      [300_000, 300_000, 86_400_000, 86_400_000],
    );
    refuses(reader, ["299s", "86401s", "2d", "999999999d"], /from 5m to 24h/);
  });

  it("is never a bare number, which might be seconds or minutes", () => {
    refuses(reader, [...nonsense, "", "0", "0s", "600", "10 m", "-10m", "1.5h"], /such as 15m, 24h or 7d/);
  });
});

describe("a choice", () => {
  it("is one of the words, exactly", () => {
    const reader = read.oneOf("smtp", "off");
    assert.equal(reader.read(" smtp "), "smtp");
    refuses(reader, [...nonsense, "", "SMTP", "smtp,off", "constructor"], /must be one of smtp, off/);
  });
});

describe("a web address", () => {
  it("is given back without its final slash", () => {
    const pairs = {
      "https://auth.example.com": "https://auth.example.com",
      " https://AUTH.example.com/ ": "https://auth.example.com",
      "http://localhost:8000": "http://localhost:8000",
      "https://example.com:443/accounts//": "https://example.com/accounts",
      "http://[::1]:8000/": "http://[::1]:8000",
    };
    for (const [text, address] of Object.entries(pairs)) assert.equal(read.webAddress.read(text), address);
  });

  it("carries nothing that a link could be led astray with", () => {
    refuses(
      read.webAddress,
      [
        ...[
          ...nonsense,
          "",
          "auth.example.com",
          "//auth.example.com",
          "ftp://auth.example.com",
          "javascript:alert(1)",
        ],
        ...[
          "https://ada:secret@example.com",
          "https://ada@example.com",
          "https://example.com/?",
          "https://example.com#",
        ],
        ...[
          "https://example.com/?next=x",
          "https://example.com/#x",
          "https://",
          "https://exa mple.com",
          "file:///etc",
        ],
      ],
      /must be an address such as/,
    );
  });
});

describe("origins", () => {
  it("are exact, one or more", () => {
    assert.deepEqual(read.origins.read("https://app.example.com, http://localhost:5173/ ,"), [
      "https://app.example.com",
      "http://localhost:5173",
    ]);
    assert.deepEqual(read.origins.read(""), []);
  });

  it("are an application's too, as it sends them", () => {
    const ids = [
      ...["capacitor://localhost", "ionic://localhost", "tauri://localhost", "app://obsidian.md"],
      ...["chrome-extension://abcdefghijklmnopabcdefghijklmnop", "com.example.app://localhost:8080"],
      ...["moz-extension://0b7e4c1a-6f0d-4a53-9d35-2f6a1c8e7b90", "https://tauri.localhost"],
    ];
    assert.deepEqual(read.origins.read(ids.join(", ")), ids);
    assert.deepEqual(read.origins.read("capacitor://localhost/"), ["capacitor://localhost"]);
    for (const origin of [
      ...[
        "capacitor://*",
        "capacitor://",
        "capacitor:",
        "capacitor://localhost/x",
        "capacitor://a@localhost",
      ],
      ...["chrome-extension://*", "chrome-extension://ID", "Capacitor://localhost", "*://localhost", "://x"],
      ...["file://localhost", "blob://x", "data://x", "about://blank", "javascript://x", "null://null*"],
      // Each was meant to be a page's.
      ...["htps://app.example.com", "httpss://app.example.com", "htttp://localhost:5173", "ttps://a.example"],
      ...["capacitor://localhost#", "capacitor://localhost?", "capacitor://loc alhost", "capacitor://é"],
    ])
      assert.throws(() => read.origins.read(origin), /exact origins/, origin);
  });

  it("are never a wildcard, null or more than an origin", () => {
    for (const origin of [
      ...[
        "*",
        "https://*",
        "https://*.example.com",
        "null",
        "app.example.com",
        "https://app.example.com/path",
      ],
      ...[
        "https://app.example.com?x",
        "https://ada@app.example.com",
        "https://app.example.com:443",
        "file://",
        ".",
      ],
      ...[
        "data:text/html,x",
        "ws://app.example.com",
        "ftp://app.example.com",
        "https://app.example.com//",
        "/.*/",
      ],
    ]) {
      assert.throws(() => read.origins.read(`https://good.example.com,${origin}`), /exact origins/, origin);
    }
  });
});

describe("address blocks", () => {
  const has = (blocks: string, address: string) =>
    read.addressBlocks.read(blocks).check(address, address.includes(":") ? "ipv6" : "ipv4");

  it("hold the addresses within them and no other", () => {
    assert.ok(has("10.0.0.0/8, 192.168.1.7", "10.255.0.1"));
    assert.ok(has("10.0.0.0/8, 192.168.1.7", "192.168.1.7"));
    assert.ok(!has("10.0.0.0/8, 192.168.1.7", "192.168.1.8"));
    assert.ok(!has("10.0.0.0/8", "11.0.0.1"));
    assert.ok(has("fd00::/8,::1", "fd12::1") && has("::1", "::1") && !has("::1", "::2"));
    assert.ok(!has("", "127.0.0.1"));
  });

  it("are nothing else", () => {
    for (const block of [
      ...nonsense.filter((text) => !text.includes(",")),
      ...[
        "10.0.0.0/33",
        "10.0.0.0/-1",
        "10.0.0.0/",
        "10.0.0.0/8/9",
        "10.0.0.0/8.5",
        "10.0.0",
        "010.0.0.1",
        "fd00::/129",
        "0.0.0.0/0",
        "::/0",
      ],
      ...["localhost", "proxy.example.com", "fe80::1%eth0", "10.0.0.0-10.0.0.9", "*", "10.*", "10.0.0.0 /8"],
    ]) {
      assert.throws(
        () => read.addressBlocks.read(`127.0.0.1,${block}`),
        /must list addresses or blocks/,
        block,
      );
    }
  });
});

describe("every reader", () => {
  it("gives a value or says what would be right, whatever the text", () => {
    const readers: Reader<unknown>[] = [
      ...[
        read.switchedOn,
        read.wholeNumber(0, 9),
        read.duration("1m", "1d"),
        read.oneOf("a"),
        read.webAddress,
      ],
      ...[read.origins, read.words, read.addressBlocks, read.text, read.someOf("a", "b")],
    ];
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.webUrl(), fc.ipV6()), (text) => {
        for (const reader of readers) {
          try {
            const value = reader.read(text);
            assert.ok(value !== undefined && !Number.isNaN(value));
          } catch (error) {
            assert.match((error as Error).message, /^must /);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
