import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { loadConfig } from "../../config.ts";
import { testAuth } from "../../testing/test-auth.ts";
import { mailedLink } from "./links.ts";

const token = "3b1b7f0e-9c3a-4c55-8f0a-2a7e1f1b9d10";

describe("a mailed link", () => {
  const places: readonly (readonly [what: string, environment: Record<string, string>, reset: string])[] = [
    [
      "our own page",
      { PUBLIC_URL: "https://a.example/auth" },
      `https://a.example/auth/reset-password/${token}/`,
    ],
    [
      "a front end with our paths",
      { FRONTEND_URL: "https://app.example/x/" },
      `https://app.example/x/reset-password/${token}/`,
    ],
    [
      "another path",
      { RESET_PASSWORD_URL: "https://app.example/new?t={token}&x=1" },
      `https://app.example/new?t=${token}&x=1`,
    ],
    [
      "a hash router",
      { RESET_PASSWORD_URL: "https://app.example/#/reset/{token}" },
      `https://app.example/#/reset/${token}`,
    ],
    [
      "an application",
      { RESET_PASSWORD_URL: "com.example.app:/reset/{token}" },
      `com.example.app:/reset/${token}`,
    ],
    [
      "an application with a host",
      { RESET_PASSWORD_URL: "imagaine://reset/{token}" },
      `imagaine://reset/${token}`,
    ],
  ];
  for (const [what, environment, expected] of places) {
    it(`leads to ${what}, and works from there`, async () => {
      await using t = await testAuth({ environment });
      assert.equal(mailedLink(t.ctx, "reset-password", token), expected);
      const ada = await t.person();
      await t.auth.passwordReset.request(ada.email);
      const mail = (await t.mailbox()).find((one) => one.mail === "reset-password");
      const [beginning = "", end = ""] = expected.split(token);
      const link = mail?.text.split("\n").find((line) => line.startsWith(beginning)) ?? "";
      assert.ok(link.endsWith(end) && mail?.html.includes(`href="${link.replaceAll("&", "&#38;")}"`), link);
      await t.auth.passwordReset.complete(
        link.slice(beginning.length, link.length - end.length),
        "Green-Valley-83",
      );
    });
  }

  it("of a verification has a setting of its own", async () => {
    await using t = await testAuth({ environment: { VERIFY_EMAIL_URL: "https://app.example/v/{token}" } });
    assert.equal(mailedLink(t.ctx, "verify-email", token), `https://app.example/v/${token}`);
    assert.equal(
      mailedLink(t.ctx, "reset-password", token),
      `http://localhost:8000/reset-password/${token}/`,
    );
  });

  it("leads nowhere that would run or read something, and says what is wrong with its setting", () => {
    const wrong = [
      ...["https://app.example/reset", "https://app.example/{token}/{token}", "/reset/{token}", "{token}"],
      ...["javascript:alert('{token}')", "data:text/html,{token}", "file:///{token}", "vbscript:{token}"],
      ...[
        "https://user:pass@app.example/{token}",
        "https://app.example/ {token}",
        'https://app.example/"{token}',
      ],
      ...[
        "https://app.example/<{token}>",
        "https://app.example/\u202e{token}",
        "blob:https://a.example/{token}",
      ],
    ];
    for (const RESET_PASSWORD_URL of wrong) {
      const { problems } = loadConfig({ RESET_PASSWORD_URL });
      assert.deepEqual(
        problems.map(({ name }) => name),
        ["RESET_PASSWORD_URL"],
        RESET_PASSWORD_URL,
      );
      assert.match(problems[0]?.message ?? "", /\{token\}/);
    }
  });
});
