import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { testSecret } from "../../testing/test-auth.ts";
import { findSecretWeakness } from "./weak-secrets.ts";
import sample from "./weak-secrets-sample.json" with { type: "json" };

/** What `imagaine-auth secret` and other makers of keys print, the same in every run. */
const goodSecrets = Array.from({ length: 3000 }, (_, seed) => {
  const bytes = createHash("sha256").update(`seed ${seed}`).digest();
  return [bytes.toString("base64url"), bytes.toString("hex"), bytes.toString("base64")];
}).flat();

/** Every secret that a file of the project says outright. */
function writtenSecrets(): { file: string; secret: string }[] {
  const root = join(import.meta.dirname, "../../../../..");
  const files = globSync(
    ["*.md", "{docs,examples,packages,tests,bench}/**/*.{md,ts,mjs,json,yml,yaml,env,example}"],
    {
      cwd: root,
      exclude: ["**/node_modules", "tests/corpora", "tests/contract/original"],
    },
  );
  return files.flatMap((file) => {
    const text = readFileSync(join(root, file), "utf8");
    const said = text.matchAll(/SECRET_KEY(?:_FALLBACKS)?["']?\s*[:=]\s*["'`]?([^\s"'`,;)]{32,})/g);
    return [...said]
      .map(([, secret = ""]) => ({ file, secret }))
      .filter(({ secret }) => !/[$({]/.test(secret));
  });
}

describe("a secret key", () => {
  it("passes when it is random and long enough, however it is written", () => {
    const refused = goodSecrets.filter((secret) => findSecretWeakness(secret));
    // One in 40,000 is taken for a published one.
    assert.ok(refused.length <= 2, refused.join());
  });

  it("has 32 bytes or more, which are not 32 characters", () => {
    assert.match(
      findSecretWeakness("tIEBWzEwJ3PcPMpVwn0k2aMlCyzxu3m") ?? "",
      /^has 31 bytes, and needs at least 32/,
    );
    assert.equal(findSecretWeakness("tIEBWzEwJ3PcPMpVwn0k2aMlCyzxu3mQ"), undefined);
    assert.equal(findSecretWeakness("éàüöñçßøåæðþêîôû"), undefined);
    assert.match(findSecretWeakness("") ?? "", /^has 0 bytes/);
  });

  it("is none that was published, in any case and with white space around", () => {
    assert.ok(sample.length >= 40);
    for (const secret of sample) {
      for (const spelling of [secret, secret.toUpperCase(), ` ${secret}\n`]) {
        assert.equal(findSecretWeakness(spelling), "is a published one, which attackers try first", secret);
      }
    }
  });

  it("is none of our own examples", () => {
    assert.match(findSecretWeakness(testSecret) ?? "", /published/);
    assert.match(findSecretWeakness(testSecret.toUpperCase()) ?? "", /published/);
    // Whatever stands in a document, an example or a test is copied by somebody.
    for (const { file, secret } of writtenSecrets()) {
      assert.ok(findSecretWeakness(secret), `${file} shows a secret that would pass: add it to ownExamples`);
    }
  });

  it("has more than a handful of different characters", () => {
    assert.match(findSecretWeakness("a".repeat(64)) ?? "", /fewer than 8 different characters/);
    assert.match(findSecretWeakness("0110100110010110100101100110100112345") ?? "", /fewer than 8 different/);
  });

  it("repeats no shorter text, cut off or not", () => {
    for (const secret of [
      ...[
        "changeme-1".repeat(4),
        "S3cure!Pass".repeat(3),
        "abcdefghijklmnopq".repeat(2),
        "changeme-1".repeat(4).slice(0, 33),
      ],
    ]) {
      assert.equal(findSecretWeakness(secret), "repeats a shorter text", secret);
    }
  });
});
