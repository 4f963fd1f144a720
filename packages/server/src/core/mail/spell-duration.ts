/** A span of time as people say it: how long a link works. */

import { days, hours, minutes } from "../../platform/duration.ts";
import type { Language } from "../../platform/texts.ts";

/** "60 minutes", "24 hours", "3 days": in the unit people would use, rounded down so that nothing is promised too long. */
export function spellDuration(milliseconds: number, language: Language): string {
  const [unit, size] =
    milliseconds < hours(2)
      ? (["minute", minutes(1)] as const)
      : milliseconds < days(2)
        ? (["hour", hours(1)] as const)
        : (["day", days(1)] as const);
  const count = Math.floor(milliseconds / size);
  return new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" }).format(count);
}
