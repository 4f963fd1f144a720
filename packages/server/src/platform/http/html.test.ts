import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import * as fc from "fast-check";
import { createDocument, escapeHtml, framedDocument, html } from "./html.ts";

const hostile = `"><script>alert('x')</script>&amp;<!--`;

describe("HTML from a template", () => {
  it("escapes whatever is put into it", () => {
    const escaped = "&#34;&#62;&#60;script&#62;alert(&#39;x&#39;)&#60;/script&#62;&#38;amp;&#60;!--";
    assert.equal(html`<p title="${hostile}">${hostile}</p>`.text, `<p title="${escaped}">${escaped}</p>`);
  });

  it("takes in HTML as it is, and lists of it", () => {
    const items = ["a", "<b>"].map((item) => html`<li>${item}</li>`);
    assert.equal(html`<ul>${items}</ul>${html`<hr>`}`.text, "<ul><li>a</li><li>&#60;b&#62;</li></ul><hr>");
  });

  it("shows nothing for nothing, and zero for zero", () => {
    assert.equal(html`[${undefined}${false}${0}${""}]`.text, "[0]");
  });

  it("is never taken from an object that only looks like it", () => {
    const forged = JSON.parse('{"text":"<script>"}');
    for (const value of [forged, [forged], { map: () => [forged] }]) {
      assert.throws(() => html`<p>${value as never}</p>`, TypeError);
    }
  });

  it("has no way out of an element or a quoted attribute, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.doesNotMatch(escapeHtml(text), /[<>"']|&(?!#\d+;)/);
      }),
    );
  });
});

describe("a document", () => {
  const parts = { language: "en", title: hostile, style: "p{color:red}", body: html`<p>${hostile}</p>` };
  const hash = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

  it("names in its policy the style and the script that stand in it, and no other", () => {
    const { text, contentSecurityPolicy } = createDocument({ ...parts, script: "let a = 1 < 2 && 'x';" });
    const [, style = ""] = /<style>([\s\S]*?)<\/style>/.exec(text) ?? [];
    const [, script = ""] = /<script>([\s\S]*?)<\/script>/.exec(text) ?? [];
    assert.deepEqual([style, script], ["p{color:red}", "let a = 1 < 2 && 'x';"]);
    assert.deepEqual(contentSecurityPolicy.split("; "), [
      ...[
        "default-src 'none'",
        `style-src ${hash(style)}`,
        `script-src ${hash(script)}`,
        "img-src data:",
        "connect-src 'self'",
      ],
      ...["frame-src 'self'", "form-action 'self'", "base-uri 'none'", "frame-ancestors 'none'"],
    ]);
  });

  it("runs and asks for nothing when it has no script", () => {
    const { text, contentSecurityPolicy } = createDocument(parts);
    assert.doesNotMatch(text, /<script/);
    assert.match(contentSecurityPolicy, /script-src 'none'; .*connect-src 'none'/);
    assert.doesNotMatch(contentSecurityPolicy, /unsafe|\*|https?:/);
  });

  it("escapes its title and its language", () => {
    const { text } = createDocument({ ...parts, language: '"><script>' });
    assert.equal(text.match(/<script/g), null);
    assert.match(text, /<title>&#34;&#62;&#60;script/);
  });

  it("is answered with 200 unless it says otherwise", () => {
    assert.deepEqual(
      [createDocument(parts).status, createDocument({ ...parts, status: 410 }).status],
      [200, 410],
    );
  });
});

describe("a document of somebody else", () => {
  it("stands in a sandbox without script, and only in a frame of ours", () => {
    const policy = framedDocument("<script>alert(1)</script>").contentSecurityPolicy.split("; ");
    assert.ok(policy.includes("default-src 'none'"));
    const sandbox = policy.find((one) => one.startsWith("sandbox")) ?? "";
    assert.ok(sandbox !== "" && !/allow-(?:scripts|same-origin|forms|top)/.test(sandbox));
    assert.ok(policy.includes("frame-ancestors 'self'"));
    assert.ok(!policy.some((one) => one.startsWith("script-src")));
  });
});
