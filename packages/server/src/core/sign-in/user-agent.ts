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

function recognise(userAgent: string) {
  const find = (names: typeof browsers) => names.find(([, pattern]) => pattern.test(userAgent))?.[0];
  return { browser: find(browsers), system: find(systems) };
}

/** What stays the same of a client when it is updated: browser or program, and system (RFC 9110, 10.1.5). */
export function clientKind(userAgent: string): string {
  const { browser, system } = recognise(userAgent);
  const [product = ""] = userAgent.trimStart().split(/[\s/(;]/, 1);
  return `${browser ?? withoutVersion(product.toLowerCase())} ${system ?? ""}`;
}

/** A program's name, where its version is written into it: `tool-1.2.3`, `python3.13`. */
function withoutVersion(name: string): string {
  const version = name.search(/[-_]?v?\d/);
  return version > 0 ? name.slice(0, version) : name;
}

export function describeDevice(userAgent: string, language: Language): string {
  const { browser, system } = recognise(userAgent);
  if (browser && system) return `${browser} ${language === "en" ? "on" : "no"} ${system}`;
  return browser ?? system ?? (language === "en" ? "Unknown device" : "Aparelho desconhecido");
}
