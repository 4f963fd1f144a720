/** Answers of ours that many exchanges share. */

import type { Expected } from "./exchanges.ts";

const challenge = { "WWW-Authenticate": 'Bearer realm="api"' };

export const answer = (status: number, json: unknown, headers: Expected["headers"] = {}): Expected => ({
  ...{ status, json, headers },
});

export const detail = (status: number, text: string, headers: Expected["headers"] = {}): Expected =>
  answer(status, { detail: text }, headers);

export const tokenInvalid = answer(
  401,
  { detail: "Token is invalid or expired", code: "token_not_valid" },
  challenge,
);

export const bearerInvalid = answer(
  401,
  {
    detail: "Given token not valid for any token type",
    code: "token_not_valid",
    messages: [{ token_class: "AccessToken", token_type: "access", message: "Token is invalid or expired" }],
  },
  challenge,
);

export const notAuthenticated = detail(401, "Authentication credentials were not provided.", challenge);

/** A fixture user as the API shows her. */
export const alice = {
  ...{ id: "<uuid:alice>", email: "alice@example.com", username: "alice" },
  ...{ first_name: "Alice", last_name: "Liddell", bio: "Hello", is_verified: true, plan: "free" },
  ...{ image_generation_count: 0, profile_picture: null, cover_picture: null },
  ...{ preferences: { theme: "dark", n: 1 }, avatar_url: null, cover_url: null },
};

export const signedIn = (user: unknown) => answer(200, { refresh: "<refresh>", access: "<access>", user });
