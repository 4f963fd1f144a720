import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { html } from "../platform/http/html.ts";
import { testAuth } from "../testing/test-auth.ts";
import { colours } from "./colours.ts";
import { renderMessage } from "./mail/message.ts";
import { layout } from "./pages/layout.ts";

function luminance(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

/** WCAG 2.2's contrast ratio. */
function contrast(one: string, other: string): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

describe("the colours", () => {
  for (const [scheme, all] of Object.entries(colours)) {
    it(`can be told apart, ${scheme}`, () => {
      const { ground, card, ink, soft, field, link, button, hover, label, bad } = all;
      const texts = [ink, soft, link, bad].flatMap((text) =>
        [ground, card].map((paper) => [text, paper] as const),
      );
      for (const [one, other] of [...texts, [label, button], [label, hover]] as const)
        assert.ok(contrast(one, other) >= 4.5, `${one} on ${other}: ${contrast(one, other)}`);
      for (const one of [field, button, link])
        assert.ok(contrast(one, card) >= 3, `${one} on ${card}: ${contrast(one, card)}`);
    });
  }

  it("are the only ones of pages and of mails", async () => {
    await using t = await testAuth();
    const known = new Set<string>(Object.values(colours).flatMap((all) => Object.values(all)));
    const { text } = layout(t.ctx, { title: "Page", body: html`<p>Text</p>` });
    const content = {
      subject: "S",
      preheader: "P",
      paragraphs: ["One"],
      button: { label: "Go", url: "https://a.example/" },
    };
    const mail = renderMessage(content, { appName: "A", language: "en", to: "a@example.org", id: "1" });
    for (const shown of [text, mail.html]) {
      const found = [...shown.matchAll(/#[0-9a-f]{3,8}\b/gi)].map(([colour]) => colour);
      assert.ok(found.length > 10);
      for (const colour of found) assert.ok(known.has(colour), colour);
    }
  });
});
