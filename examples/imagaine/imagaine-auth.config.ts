/** The user fields of the ImagAIne application, as its Django module had them: put this file beside `.env`. */

// Outside this repository: import { defineFields } from "imagaine-auth";
import { defineFields } from "../../packages/server/src/core/accounts/fields.ts";

export const fields = defineFields({
  plan: { type: "oneOf", choices: ["free", "pro"], default: "free", writableBy: "admin" },
  image_generation_count: { type: "integer", least: 0, default: 0, writableBy: "admin" },
  profile_picture: { type: "text", maxLength: 100, blank: true, default: null },
  cover_picture: { type: "text", maxLength: 100, blank: true, default: null },
  preferences: { type: "json", default: {} },
  avatar_url: { type: "link", of: "profile_picture" },
  cover_url: { type: "link", of: "cover_picture" },
});
