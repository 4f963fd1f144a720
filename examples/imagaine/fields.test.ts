import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { testAuth } from "../../packages/server/src/testing/test-auth.ts";
import { fields } from "./imagaine-auth.config.ts";

describe("the ImagAIne user fields", () => {
  it("make the user object of the original, its keys in the original's order", async () => {
    await using t = await testAuth({ fields });
    const ada = await t.person({ username: "ada" });
    const answer = await t.http.post("/api/auth/login/", { email: ada.email, password: ada.password });
    const { id, ...user } = answer.body.user;
    assert.match(id, /^[0-9a-f-]{36}$/);
    assert.equal(
      JSON.stringify(user),
      JSON.stringify({
        ...{ email: "ada@example.org", username: "ada", first_name: "", last_name: "", bio: "" },
        ...{ is_verified: true, plan: "free", image_generation_count: 0, profile_picture: null },
        ...{ cover_picture: null, preferences: {}, avatar_url: null, cover_url: null },
      }),
    );
  });

  it("let a user change pictures and preferences, but neither plan nor count", async () => {
    await using t = await testAuth({ fields });
    const { access } = await (await t.person()).signIn();
    const wanted = { profile_picture: "/media/a.png", cover_picture: "", preferences: { theme: "dark" } };
    const answer = await t.http.patch(
      "/api/auth/profile/",
      { ...wanted, plan: "pro", image_generation_count: 7, avatar_url: "x" },
      { token: access },
    );
    const { plan, image_generation_count, avatar_url, cover_url } = answer.body;
    assert.deepEqual({ ...answer.body, ...wanted }, answer.body);
    assert.deepEqual({ plan, image_generation_count }, { plan: "free", image_generation_count: 0 });
    assert.deepEqual(
      { avatar_url, cover_url },
      { avatar_url: "http://localhost:8000/media/a.png", cover_url: null },
    );
  });

  it("hold pictures of 100 characters at the most", async () => {
    await using t = await testAuth({ fields });
    const { access } = await (await t.person()).signIn();
    const change = (profile_picture: string) =>
      t.http.patch("/api/auth/profile/", { profile_picture }, { token: access });
    assert.equal((await change("x".repeat(100))).status, 200);
    assert.deepEqual((await change("x".repeat(101))).body, {
      profile_picture: ["Ensure this field has no more than 100 characters."],
    });
  });
});
