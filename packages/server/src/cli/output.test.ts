import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "../config.ts";
import { type Start, startLines } from "./banner.ts";
import { hidePassword } from "./config.ts";
import { fromNow } from "./output.ts";
import { type Column, formatTable } from "./table.ts";
import { cutTo, toVisibleJson, visible, widthOf } from "./visible.ts";

interface Row {
  readonly name: string;
  readonly note: string;
}
const columns: readonly Column<Row>[] = [
  { title: "NAME", value: ({ name }) => name, mayShrink: true },
  { title: "NOTE", value: ({ note }) => note },
  { title: "ID", value: () => "0123456789", mayGo: true },
];
const rows = [
  { name: "a-rather-long-name", note: "one" },
  { name: "名前", note: "two" },
];
const plain = (width?: number) => formatTable(columns, rows, { width, dim: String });

describe("a table", () => {
  it("holds whole values where no terminal cuts them", () => {
    assert.deepEqual(plain(), [
      "NAME                NOTE  ID",
      "a-rather-long-name  one   0123456789",
      "名前                two   0123456789",
    ]);
  });

  it("leaves out what may go before it cuts what may shrink, and fits the terminal", () => {
    assert.deepEqual(plain(26), [
      "NAME                NOTE",
      "a-rather-long-name  one",
      "名前                two",
    ]);
    assert.deepEqual(plain(16), ["NAME        NOTE", "a-rather-…  one", "名前        two"]);
    for (const width of [14, 20, 30, 40])
      for (const line of plain(width)) assert.ok(widthOf(line) <= width, line);
  });

  it("is as wide in colours as without, and its lines end where their text does", () => {
    const coloured = [
      { ...columns[0], paint: () => (text: string) => `<${text}>` },
      columns[1],
    ] as typeof columns;
    assert.deepEqual(formatTable(coloured, rows, { width: 16, dim: String }), [
      "NAME        NOTE",
      "<a-rather-…>  one",
      "<名前>        two",
    ]);
  });
});

describe("text of strangers", () => {
  it("is seen on a terminal and moves nothing", () => {
    const hostile = "a\u001b[2J\u009b1m\r\n\u0000\u202e\u2066b\ud800";
    assert.equal(visible(hostile), "a\\u001b[2J\\u009b1m\\u000d\\u000a\\u0000\\u202e\\u2066b\ufffd");
    for (const indent of [undefined, 2]) {
      const json = toVisibleJson({ name: hostile }, indent);
      assert.doesNotMatch(json.replaceAll("\n", ""), /[\p{Cc}\u202e\u2066]/u);
    }
    assert.deepEqual(JSON.parse(toVisibleJson({ name: "\u009b\u2028é\u{1f600}" })), {
      name: "\u009b\u2028é\u{1f600}",
    });
  });

  it("is cut by columns, not in the middle of a character", () => {
    assert.equal(cutTo("名前名前", 5), "名前…");
    assert.equal(cutTo("\u{1f600}\u{1f600}", 3), "\u{1f600}…");
    assert.equal(cutTo("short", 5), "short");
  });
});

describe("a password in an address", () => {
  it("is hidden however it is written", () => {
    for (const [address, shown] of [
      ["postgres://auth:pass@db/auth", "postgres://auth:••••@db/auth"],
      ["postgres://auth:p@ss:w/rd@db/auth", "postgres://auth:••••@db/auth"],
      ["POSTGRES://:pass@db", "POSTGRES://:••••@db"],
      ["postgres://db/auth?user=a&password=pass&x=1", "postgres://db/auth?user=a&password=••••&x=1"],
      ["postgres://auth:pa\nss@db", "postgres://auth:••••@db"],
      ["postgres://db:5432/auth", "postgres://db:5432/auth"],
      ["sqlite:./data/auth.db", "sqlite:./data/auth.db"],
    ] as const) {
      assert.equal(hidePassword(address), shown);
    }
  });
});

describe("a moment", () => {
  it("is told from now while it is near, else by its day", () => {
    const now = new Date("2026-11-24T12:00:00Z");
    const told = (milliseconds: number) => fromNow(new Date(now.getTime() + milliseconds), now);
    const [minute, hour, day] = [60_000, 3_600_000, 86_400_000];
    assert.deepEqual([-1000, -5 * minute, -2 * hour, -3 * day, 5 * minute, 26 * hour].map(told), [
      "now",
      "5 min ago",
      "2 h ago",
      "3 d ago",
      "in 5 min",
      "in 1 d",
    ]);
    assert.equal(told(-30 * day), "25 Oct 2026");
  });
});

describe("what a start shows", () => {
  const start = (changes: Partial<Start> = {}): Start => ({
    config: loadConfig({ SECRET_KEY: "x".repeat(43) }).config,
    database: "SQLite data/auth.db (new, 5 migrations)",
    created: ["data/.gitignore", "data/secret.key", "data/auth.db"],
    users: 0,
    mails: 0,
    milliseconds: 412,
    hasKeys: true,
    ...changes,
  });
  const addresses = ["http://localhost:8000/api/auth/", "http://localhost:8000/_/mailbox/"];

  it("fits eighteen lines and the terminal, addresses whole", () => {
    for (const columns of [80, 100, 120]) {
      const lines = startLines(start(), columns).flatMap((line) => line.split("\n"));
      assert.ok(lines.length <= 18);
      for (const line of lines) assert.ok(line.length <= columns, line);
      for (const address of addresses)
        assert.ok(
          lines.some((line) => line.split(" ").includes(address)),
          address,
        );
      assert.ok(lines.some((line) => line.startsWith("  Created    data/.gitignore")));
    }
  });

  it("is shorter the second time: where everything is, and how much", () => {
    const lines = startLines(
      start({ created: [], database: "SQLite data/auth.db", users: 3, mails: 1 }),
      100,
    );
    const said = lines.filter((line) => line !== "");
    assert.equal(said.length, 4);
    const keys = "o reference   m mailbox   u add test user   ? help   q quit";
    assert.equal(
      said.at(-1),
      `  3 users · 1 email in the mailbox · ready in 0.4 s\n${" ".repeat(13)}${keys}`,
    );
    const without = startLines(start({ hasKeys: false, mails: undefined }), 100);
    assert.ok(without.includes("  Ready in 0.4 s   stop with Ctrl-C"));
    for (const address of addresses) assert.ok(said.some((line) => line.includes(address)));
  });

  it("names no mailbox where there is none", () => {
    assert.doesNotMatch(startLines(start({ mails: undefined })).join("\n"), /mailbox/i);
  });
});
