/** How many passwords may be tried for one account by who has not signed in to it before. */

import { minutes } from "../../platform/duration.ts";

export const passwordGuesses = { name: "login", most: 10, within: minutes(15) } as const;
