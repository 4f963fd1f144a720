/** The browser and system that a User-Agent header claims, in a few words; a claim, and shown as no more. */

import type { Language } from "../../platform/texts.ts";

// The order matters: almost every browser also calls itself Chrome or Safari.
const browsers: readonly (readonly [string, RegExp])[] = [
  ["Edge", /\bEdg(?:e|A|iOS)?\//],
  ["Opera", /\bOPR\//],
  ["Samsung Internet", /\bSamsungBrowser\//],
  ["Firefox", /\b(?:Firefox|FxiOS)\//],
  ["Chrome", /\b(?:Chrome|CriOS|Chromium)\//],
  ["Safari", /\bSafari\//],
  ["curl", /^curl\//],
];

const systems: readonly (readonly [string, RegExp])[] = [
  ["Windows", /\bWindows NT\b/],
  ["iPhone", /\biPhone\b/],
  ["iPad", /\biPad\b/],
  ["Android", /\bAndroid\b/],
  ["macOS", /\bMac OS X\b/],
  ["ChromeOS", /\bCrOS\b/],
  ["Linux", /\bLinux\b/],
];

export function describeDevice(userAgent: string, language: Language): string {
  const find = (names: typeof browsers) => names.find(([, pattern]) => pattern.test(userAgent))?.[0];
  const [browser, system] = [find(browsers), find(systems)];
  if (browser && system) return `${browser} ${language === "en" ? "on" : "no"} ${system}`;
  return browser ?? system ?? (language === "en" ? "Unknown device" : "Aparelho desconhecido");
}
