import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { after, days, hours, minutes, parseDuration, seconds } from "./duration.ts";

describe("a span of time", () => {
  it("is written as a number and a unit", () => {
    const spans = ["30s", "15m", "24h", "7d", " 1h ", "999999999d"].map(parseDuration);
    assert.deepEqual(spans, [seconds(30), minutes(15), hours(24), days(7), hours(1), days(999_999_999)]);
  });

  it("is never NaN, zero, negative or endless", () => {
    for (const text of [
      ...[
        "",
        " ",
        "0",
        "0s",
        "00m",
        "-1m",
        "+1m",
        "1",
        "m",
        "1.5h",
        "1e3s",
        "1e99",
        "Infinity",
        "NaN",
        "abc",
      ],
      ...["10 m", "1h30m", "1M", "1w", "9999999999s", "٣m", "0x10s", "1m\n2m"],
    ]) {
      assert.equal(parseDuration(text), undefined, text);
    }
  });

  it("leads from one moment to another", () => {
    const noon = new Date("2026-11-24T12:00:00Z");
    assert.equal(after(noon, minutes(90)).toISOString(), "2026-11-24T13:30:00.000Z");
    assert.equal(noon.toISOString(), "2026-11-24T12:00:00.000Z");
  });
});
