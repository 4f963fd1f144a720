/** How many mails of one kind an address gets, whoever asks for them: enough for its owner, too few for a nuisance. */

import { days, hours } from "../../platform/duration.ts";
import type { Allowance } from "../limits/limits.ts";

export const mailBudget: readonly Allowance[] = [
  { most: 5, within: hours(1) },
  { most: 10, within: days(1) },
];
