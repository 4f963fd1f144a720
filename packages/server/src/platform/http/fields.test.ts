import assert from "node:assert/strict";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import * as fields from "./fields.ts";

/** The value, or the English sentences that say why not. */
function check(field: fields.Field, value: unknown): unknown {
  const checked = field.check(value);
  return "problems" in checked ? checked.problems.map((problem) => problem.en) : checked.value;
}

/** What no field of text, number or day may take for one. */
const otherTypes: readonly unknown[] = [
  1,
  0,
  true,
  false,
  [],
  ["a"],
  {},
  { $gt: "" },
  { toString: "x" },
  [["a"]],
];

describe("a text", () => {
  const name = fields.text({ maxLength: 5 });

  it("is trimmed of what Python takes for white space, and of nothing else", () => {
    const white =
      "\t\n\v\f\r\u001c\u001d\u001e\u001f \u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000";
    assert.equal(check(name, `${white}Ada ${white}`), "Ada");
    // BOM, zero-width space and word joiner are none to Python, though JavaScript's trim takes the first.
    for (const stays of ["\ufeffAda", "Ada\u200b", "\u2060Ada"]) assert.equal(check(name, stays), stays);
  });

  it("is never made of another type", () => {
    for (const value of otherTypes) assert.deepEqual(check(name, value), ["Not a valid string."]);
  });

  it("is not blank unless it may be, and stops there", () => {
    assert.deepEqual(check(name, " \u3000"), ["This field may not be blank."]);
    assert.equal(check(fields.text({ blank: true }), "  "), "");
  });

  it("is as long as people count, not as machines do", () => {
    assert.equal(check(name, "🂡🂢🂣🂤🂥"), "🂡🂢🂣🂤🂥");
    assert.deepEqual(check(name, "abcdef"), ["Ensure this field has no more than 5 characters."]);
    assert.equal(check(name, `  ${"a".repeat(5)}  `), "aaaaa");
  });

  it("says all that is wrong with it, the pattern first", () => {
    const picky = fields.text({
      maxLength: 3,
      pattern: { test: (value) => /^[a-z]+$/.test(value), sentence: { en: "Pattern.", "pt-BR": "Padrão." } },
    });
    assert.deepEqual(check(picky, "AB\0\ud800"), [
      "Pattern.",
      "Ensure this field has no more than 3 characters.",
      "Null characters are not allowed.",
      "Surrogate characters are not allowed: U+D800.",
    ]);
  });

  it("has no half of a surrogate pair, wherever it stands", () => {
    for (const [text, unit] of [
      ...[
        ["a\ud83d", "D83D"],
        ["\ude00a", "DE00"],
        ["😀\ude00", "DE00"],
        ["\ud83d\ud83d\ude00", "D83D"],
      ],
    ] as [string, string][]) {
      assert.deepEqual(check(name, text), [`Surrogate characters are not allowed: U+${unit}.`]);
    }
  });
});

describe("a password", () => {
  const password = fields.password(10);

  it("is taken exactly as typed", () => {
    for (const typed of [" a ", "   ", "\t", "\ufeff", "e\u0301"])
      assert.equal(check(password, typed), typed);
  });

  it("is not empty, too long or made of another type", () => {
    assert.deepEqual(check(password, ""), ["This field may not be blank."]);
    assert.deepEqual(check(password, "a".repeat(11)), ["Ensure this field has no more than 10 characters."]);
    assert.deepEqual(check(password, "\0"), ["Null characters are not allowed."]);
    for (const value of otherTypes) assert.deepEqual(check(password, value), ["Not a valid string."]);
  });
});

describe("an e-mail address", () => {
  const email = fields.email();
  const wrong = "Enter a valid email address.";

  it("is trimmed and otherwise kept as it was given", () => {
    assert.equal(check(email, " Ada@Example.ORG\u00a0"), "Ada@Example.ORG");
  });

  it("is refused in the same words whatever else was sent", () => {
    for (const value of [...otherTypes, "ada", "ada@", "a@b"]) assert.deepEqual(check(email, value), [wrong]);
    assert.deepEqual(check(email, " "), ["This field may not be blank."]);
  });

  it("has 254 characters at the most where it is stored, and is not looked at beyond 320", () => {
    const stored = fields.email({ maxLength: 254 });
    const ofLength = (length: number) => `${"a".repeat(length - 13)}@example.test`;
    const tooLong = "Ensure this field has no more than 254 characters.";
    assert.equal(check(stored, ofLength(254)), ofLength(254));
    assert.deepEqual(check(stored, ofLength(255)), [tooLong]);
    assert.deepEqual(check(stored, ofLength(320)), [tooLong]);
    assert.deepEqual(check(stored, ofLength(321)), [tooLong, wrong]);
    assert.deepEqual(check(stored, `a@b\0.co${"m".repeat(300)}`), [
      ...[tooLong, "Null characters are not allowed.", wrong],
    ]);
    assert.equal(check(email, ofLength(320)), ofLength(320));
    assert.deepEqual(check(email, ofLength(321)), [wrong]);
  });
});

describe("a link's token", () => {
  it("has one spelling", () => {
    const token = "0b57f3a6-5c1e-4d0e-9b1a-2f6f3c2b7a10";
    assert.equal(check(fields.uuidToken(), token), token);
    for (const value of [
      ...[
        token.toUpperCase(),
        `{${token}}`,
        token.replaceAll("-", ""),
        `urn:uuid:${token}`,
        ` ${token}`,
        `${token}\n`,
      ],
      ...["", "x", 123, 0x0b57f3a65c1e, null, [token], { token }, true],
    ]) {
      assert.deepEqual(check(fields.uuidToken(), value), ["Must be a valid UUID."]);
    }
  });
});

describe("a whole number", () => {
  const age = fields.integer({ least: 0, most: 150 });

  it("is a number within its bounds", () => {
    assert.deepEqual(
      [0, 150, 7].map((value) => check(age, value)),
      [0, 150, 7],
    );
    assert.deepEqual(check(age, -1), ["Ensure this value is greater than or equal to 0."]);
    assert.deepEqual(check(age, 151), ["Ensure this value is less than or equal to 150."]);
  });

  it("fits into a database's integer when nothing else is said", () => {
    assert.equal(check(fields.integer(), 2 ** 31 - 1), 2 ** 31 - 1);
    assert.deepEqual(check(fields.integer(), 2 ** 31), [
      "Ensure this value is less than or equal to 2147483647.",
    ]);
    assert.deepEqual(check(fields.integer(), JSON.parse("9007199254740993")), [
      "Ensure this value is less than or equal to 2147483647.",
    ]);
  });

  it("is no text, fraction, endless number or truth value", () => {
    for (const value of ["7", "", 1.5, JSON.parse("1e400"), Number.NaN, true, null, [7], {}]) {
      assert.deepEqual(check(age, value), ["A valid integer is required."]);
    }
  });
});

describe("a truth value", () => {
  it("is true or false and not what looks like it", () => {
    assert.deepEqual(
      [true, false].map((value) => check(fields.boolean(), value)),
      [true, false],
    );
    for (const value of ["true", "false", 1, 0, "", null, [], {}]) {
      assert.deepEqual(check(fields.boolean(), value), ["Must be a valid boolean."]);
    }
  });
});

describe("a day", () => {
  it("stands in the calendar", () => {
    for (const day of ["2024-02-29", "0001-01-01", "9999-12-31"])
      assert.equal(check(fields.date(), day), day);
    for (const value of [
      ...[
        "2023-02-29",
        "2024-02-30",
        "2024-13-01",
        "2024-00-10",
        "2024-01-00",
        "0000-01-01",
        "2024-1-1",
        "24-01-01",
      ],
      ...[
        "2024-01-01T00:00:00Z",
        " 2024-01-01",
        "2024-01-01\n",
        "+002024-01-01",
        "",
        "today",
        20240101,
        null,
        {},
      ],
    ]) {
      assert.deepEqual(check(fields.date(), value), [
        "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
      ]);
    }
  });
});

describe("a choice", () => {
  const plan = fields.oneOf(["free", "pro"]);

  it("is one of those offered", () => {
    assert.equal(check(plan, "pro"), "pro");
    for (const value of ["Pro", "", "constructor", "free ", "__proto__"]) {
      assert.deepEqual(check(plan, value), [`"${value}" is not a valid choice.`]);
    }
    assert.deepEqual(check(plan, 7), ['"7" is not a valid choice.']);
  });

  it("shows little of what was sent instead, however much that was", () => {
    assert.deepEqual(check(plan, "x".repeat(5000)), [`"${"x".repeat(100)}" is not a valid choice.`]);
    assert.deepEqual(check(plan, `${"x".repeat(99)}😀`), [
      `"${"x".repeat(99)}\ufffd" is not a valid choice.`,
    ]);
    const deep: unknown = JSON.parse("[".repeat(32_000) + "]".repeat(32_000));
    assert.deepEqual(check(plan, deep), ['"…" is not a valid choice.']);
    for (const value of [["free"], { free: 1 }, Symbol("file")]) {
      assert.deepEqual(check(plan, value), ['"…" is not a valid choice.']);
    }
  });
});

describe("any JSON", () => {
  it("is kept as it is", () => {
    for (const value of [{ theme: "dark", sizes: [1, 2.5], on: true, off: null }, [], "", 0, false, {}]) {
      assert.deepEqual(check(fields.json(), value), value);
    }
  });

  it("holds nothing that a database would refuse or change", () => {
    for (const value of [
      ...["\ud800", "a\0", { a: ["\udc00"] }, { "\0": 1 }, { "\ud800": 1 }, JSON.parse("[1e400]"), undefined],
      JSON.parse("[".repeat(600) + "]".repeat(600)),
      JSON.parse("[".repeat(32_000) + "]".repeat(32_000)),
    ]) {
      assert.deepEqual(check(fields.json(), value), ["Value must be valid JSON."]);
    }
  });

  it("is judged without a throw, whatever it is", () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        assert.deepEqual(fields.isKeepableJson(value), !/\\u0000|\\ud[89a-f]/.test(JSON.stringify(value)));
      }),
      { numRuns: 300 },
    );
  });
});

describe("every kind of field", () => {
  it("answers any value with a value or with sentences", () => {
    const kinds = [
      ...[
        fields.text(),
        fields.password(9),
        fields.email(),
        fields.uuidToken(),
        fields.integer(),
        fields.boolean(),
      ],
      ...[fields.date(), fields.oneOf(["a"]), fields.json()],
    ];
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true }), (value) => {
        if (value === undefined || value === null) return;
        for (const kind of kinds) {
          const checked = kind.check(
            typeof value === "object" ? JSON.parse(JSON.stringify(value, safely) ?? "0") : value,
          );
          assert.ok("value" in checked || checked.problems.length > 0);
        }
      }),
      { numRuns: 200 },
    );
  });
});

/** A body comes from JSON, where there is nothing else. */
function safely(_name: string, value: unknown): unknown {
  return typeof value === "bigint" ? String(value) : value;
}
