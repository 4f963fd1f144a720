/** Every sentence a person reads, in every language we speak; leaving one out does not compile. */

export const languages = ["en", "pt-BR"] as const;

export type Language = (typeof languages)[number];

/** One sentence in all languages. */
export type Sentence = Readonly<Record<Language, string>>;

/** One sentence, said inline. */
export function sentence(en: string, ptBR: string): Sentence {
  return { en, "pt-BR": ptBR };
}

/** A table of sentences: English first, every other language beside it. */
export function texts<const Key extends string>(
  en: Readonly<Record<Key, string>>,
  others: Readonly<Record<Exclude<Language, "en">, Readonly<Record<Key, string>>>>,
): Readonly<Record<Key, Sentence>> {
  const keys = Object.keys(en) as Key[];
  return Object.fromEntries(
    keys.map((key) => [key, { en: en[key], "pt-BR": others["pt-BR"][key] }]),
  ) as Record<Key, Sentence>;
}

/** The language of ours that a tag means: any Portuguese is ours, since a neighbouring dialect beats a foreign language. */
export function languageOf(tag: string): Language | undefined {
  if (/^pt(?:[-_]|$)/i.test(tag)) return "pt-BR";
  return /^en(?:[-_]|$)/i.test(tag) ? "en" : undefined;
}

/** The language to answer in, from an Accept-Language header (RFC 9110, 12.5.4). */
export function pickLanguage(header: string | null | undefined, fallback: Language): Language {
  let best: { language: Language; weight: number } | undefined;
  for (const range of (header ?? "").slice(0, 1000).split(",")) {
    const [tag = "", ...parameters] = range.split(";").map((part) => part.trim().toLowerCase());
    const language = languageOf(tag);
    const weight = readQuality(parameters);
    if (language && weight > (best?.weight ?? 0)) best = { language, weight };
  }
  return best?.language ?? fallback;
}

/** What the parameter q says, 0 to 1 (RFC 9110, 12.4.2): 1 when left out, and 0 when it is no such number. */
export function readQuality(parameters: readonly string[]): number {
  const quality = parameters.find((parameter) => parameter.startsWith("q="))?.slice(2);
  if (quality === undefined) return 1;
  return /^(?:0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/.test(quality) ? Number(quality) : 0;
}
