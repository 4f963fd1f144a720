/** When and from where something was asked for: what a person needs to tell their own doing from a stranger's. */

import type { Language } from "../../platform/texts.ts";
import { describeDevice } from "../sign-in/user-agent.ts";
import type { AskedFrom } from "./mail.ts";

const labels = {
  en: { when: "When", device: "Device", address: "IP address" },
  "pt-BR": { when: "Quando", device: "Aparelho", address: "Endereço IP" },
} as const satisfies Record<Language, unknown>;

export function contextRows(
  language: Language,
  { at, address, userAgent }: AskedFrom,
): { label: string; value: string }[] {
  const say = labels[language];
  const when = new Intl.DateTimeFormat(language, {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: "UTC",
  });
  return [
    { label: say.when, value: `${when.format(at)} UTC` },
    { label: say.device, value: describeDevice(userAgent, language) },
    { label: say.address, value: address },
  ].filter(({ value }) => value !== "");
}
