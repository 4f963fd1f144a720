/** Mints the tokens that the recordings name, from their recipes. */

import { createHash } from "node:crypto";
import { mintRecipe, type Recipe } from "../../packages/server/src/core/tokens/recordings.testing.ts";
import { readOriginal } from "./exchanges.ts";

const recipes = new Map(Object.entries(readOriginal<Record<string, Recipe>>("tokens.json")));

/** The id of a token: always the same for the same name, and for no other. */
export function jtiOf(name: string): string {
  return createHash("md5").update(name).digest("hex");
}

/** The token of that name as it would have been made at that moment. */
export function mintToken(name: string, now: Date): string {
  const recipe = recipes.get(name);
  if (!recipe) throw new Error(`No recipe makes a token called ${name}`);
  const seconds = Math.floor(now.getTime() / 1000);
  const stored = recipe.fixture?.split(":")[1];
  return mintRecipe(stored === undefined ? recipe : issuedTo(stored), seconds, jtiOf(name));
}

/** What the original itself issued and kept: a refresh token for a day. */
function issuedTo(user: string): Recipe {
  return {
    claims: {
      ...{ token_type: "refresh", exp: "$now+86400", iat: "$now", jti: "$jti", user_id: `$uuid:${user}` },
    },
  };
}
