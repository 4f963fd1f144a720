import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { languages } from "../../platform/texts.ts";
import { naughtyStrings } from "../../testing/naughty-strings.ts";
import { groupCode } from "./group-code.ts";
import { type MailContent, renderMessage } from "./message.ts";
import { neutraliseName } from "./plain-line.ts";

const url = "https://auth.example.org/verify-email/3b1b7f0e-9c3a-4c55-8f0a-2a7e1f1b9d10/";
const everything: MailContent = {
  subject: "493 771 is your Example code",
  preheader: "Type this code on the page you came from.",
  paragraphs: ["Type this code on the page where you created your account.", "It works for 15 minutes."],
  code: "493771",
  button: { label: "Verify email", url },
  context: [
    { label: "When", value: "23 Nov 2026, 14:02 UTC" },
    { label: "Device", value: "Chrome on Windows" },
  ],
  closing: ["The link works for 24 hours.", "If it wasn't you, ignore this mail."],
};
const envelope = {
  appName: "Example",
  replyTo: "help@example.org",
  language: "en",
  to: "a@x.test",
  id: "m-1",
} as const;

/** The texts between tags, entities undone: what a reader sees, in the order of the source. */
function visibleText(html: string): string {
  return html
    .replace(/<(style|title)>.*?<\/\1>/gs, "")
    .replace(/<!--.*?-->|<[^>]*>/gs, "\n")
    .replace(/&zwnj;|&nbsp;/g, "")
    .replace(/&#(\d+);/g, (_, number) => String.fromCharCode(Number(number)));
}

/** Fails unless every tag that is opened is closed, in the right order. */
function assertBalanced(html: string): void {
  const open: string[] = [];
  for (const [, slash, name = ""] of html
    .replace(/<!--.*?-->/gs, "")
    .matchAll(/<(\/?)([a-z][a-z0-9]*)(?:\s+[a-z-]+="[^"<>]*")*>/g)) {
    if (slash) assert.equal(open.pop(), name);
    else if (!["meta", "br"].includes(name)) open.push(name);
  }
  assert.deepEqual(open, []);
  // Each < and > belongs to a tag of that strict form, to a comment or to the doctype.
  const rest = html.replace(/<!doctype html>|<!--.*?-->|<\/?[a-z][a-z0-9]*(?:\s+[a-z-]+="[^"<>]*")*>/gs, "");
  assert.doesNotMatch(rest, /[<>]/);
}

describe("renderMessage", () => {
  it("says every block in both parts, in the same order", () => {
    const { text, html } = renderMessage(everything, envelope);
    const { paragraphs, context = [], closing = [] } = everything;
    const blocks = [...paragraphs, ["493 771", "493\n771"], "Verify email", url];
    const all = [
      ...blocks,
      ...context.flatMap(({ label, value }) => [label, value]),
      ...closing,
      "help@example.org",
    ];
    for (const [part, pick] of [
      [text, 0],
      [visibleText(html), 1],
    ] as const) {
      let position = 0;
      for (const block of all) {
        const words = typeof block === "string" ? block : (block[pick] ?? "");
        const found = part.indexOf(words, position);
        assert.notEqual(found, -1, `${words} in order in ${part}`);
        position = found;
      }
    }
  });

  it("writes a text part that reads like a letter", () => {
    const { text } = renderMessage(everything, { ...envelope, language: "pt-BR", appName: "Exemplo" });
    assert.equal(
      text,
      `Type this code on the page where you created your account.\n\nIt works for 15 minutes.\n\n493 771\n\nVerify email:\n${url}\n\n` +
        "When: 23 Nov 2026, 14:02 UTC\nDevice: Chrome on Windows\n\nThe link works for 24 hours.\n\nIf it wasn't you, ignore this mail.\n\n" +
        "Exemplo · help@example.org\n",
    );
  });

  it("leaves out the blocks a mail does not have", () => {
    const content = { subject: "Your password was changed", preheader: "", paragraphs: ["It was changed."] };
    const { text, html } = renderMessage(content, {
      appName: "Example",
      language: "en",
      to: "a@x.test",
      id: "m-1",
    });
    assert.equal(text, "It was changed.\n\nExample\n");
    assert.match(html, /<h1[^>]*>Your password was changed<\/h1>/);
    assert.doesNotMatch(html, /<a |mailto:|<th|undefined/);
  });

  it("names its language, and says our own words in it", () => {
    const words = { en: "If the button does not work", "pt-BR": "Se o botão não funcionar" };
    for (const language of languages) {
      const message = renderMessage(everything, { ...envelope, language });
      assert.equal(message.language, language);
      assert.match(message.html, new RegExp(`<html lang="${language}" dir="ltr">`));
      assert.ok(message.html.includes(words[language]));
    }
  });

  it("is well-formed HTML of at most 15 KB that loads, runs and asks nothing", () => {
    for (const language of languages) {
      const { html } = renderMessage(everything, {
        ...envelope,
        language,
        supportUrl: "https://example.org/help",
      });
      assertBalanced(html);
      assert.ok(Buffer.byteLength(html) <= 15 * 1024);
      assert.doesNotMatch(
        html,
        /<(img|script|form|iframe|link|object|input|svg)\b|\bsrc=|background=|url\(|@import|@font-face|\son[a-z]+=/i,
      );
      const addresses = new Set(
        [...html.matchAll(/\b(?:https?:)?\/\/[^\s"<]+/g)].map(([address]) => address),
      );
      assert.deepEqual([...addresses], [url, "https://example.org/help"]);
    }
  });

  it("keeps a code in one piece when it is copied, and in groups for the eye", () => {
    const { html, text } = renderMessage(everything, envelope);
    const [, code = ""] = /<p class="text line"[^>]*>(.*?)<\/p>/.exec(html) ?? [];
    assert.equal(code.replace(/<[^>]*>/g, ""), "493771");
    assert.match(html, /font:600 32px\/40px [^"]*monospace;letter-spacing:/);
    assert.ok(text.includes("\n493 771\n"));
    assert.deepEqual(["493771", "12345678", "1234", "493 771", ""].map(groupCode), [
      "493 771",
      "1234 5678",
      "123 4",
      "493 771",
      "",
    ]);
  });

  it("makes a button of at least 44 pixels whose link is printed below it as well", () => {
    const { html } = renderMessage(everything, envelope);
    assert.match(html, /<a href="[^"]*" style="display:inline-block;padding:12px 24px;[^"]*16px\/24px/);
    assert.match(
      html,
      new RegExp(`<a class="link" href="${url}" style="[^"]*word-break:break-all">${url}</a>`),
    );
  });

  it("follows the reader into the dark", () => {
    const { html } = renderMessage(everything, envelope);
    assert.match(html, /<meta name="color-scheme" content="light dark">/);
    assert.match(html, /@media\(prefers-color-scheme:dark\)\{\.page\{/);
    assert.match(html, /\[data-ogsc\] \.text\{/);
  });

  it("refuses to link to anything but a page or an application", () => {
    for (const bad of [
      "javascript:alert(1)",
      "JavaScript:alert(1)",
      "data:text/html,x",
      "vbscript:x",
      "file:///etc/passwd",
      "/relative",
      "https://a b",
      "https://x\r\ny",
      "",
    ]) {
      const content = { ...everything, button: { label: "Go", url: bad } };
      assert.throws(() => renderMessage(content, envelope), /links to pages and applications only/, bad);
    }
  });

  it("shows whatever strangers typed as text and nothing else", () => {
    const hostile = [
      "<a href=//evil>",
      '<img src=x onerror="alert(1)">',
      "{{7*7}}",
      "${7*7}",
      "<%= 7*7 %>",
      '"><script>',
      "--><b>",
      "]]>",
    ];
    for (const value of [...hostile, ...naughtyStrings]) {
      const plain = value
        .replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, " ")
        .replace(/[\u202a-\u202e\u2066-\u2069]/g, "")
        .trim();
      const content: MailContent = {
        ...everything,
        subject: value,
        preheader: value,
        paragraphs: [`Hello ${neutraliseName(value)},`, value],
        context: [{ label: "Device", value }],
      };
      const { html, text } = renderMessage(content, { ...envelope, appName: value });
      assertBalanced(html);
      assert.ok(visibleText(html).includes(plain), value);
      assert.ok(text.includes(`Device: ${plain}`), value);
    }
  });

  it("gives a value no line of its own in subject and text part", () => {
    const value = "Chrome\r\n\r\nYour account is closed:\nhttps://evil.example";
    const line = "Chrome Your account is closed: https://evil.example";
    const content = {
      subject: value,
      preheader: "",
      paragraphs: [value],
      closing: [value],
      context: [{ label: value, value }],
    };
    const { subject, text } = renderMessage(content, { ...envelope, appName: value });
    assert.equal(subject, line);
    assert.equal(text, `${line}\n\n${line}: ${line}\n\n${line}\n\n${line} · help@example.org\n`);
  });
});
