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

/**
 * The language to answer in, from an Accept-Language header (RFC 9110, 12.5.4).
 * Any Portuguese is answered in ours, since a neighbouring dialect beats a foreign language.
 */
export function pickLanguage(header: string | null | undefined, fallback: Language): Language {
  let best: { language: Language; weight: number } | undefined;
  for (const range of (header ?? "").slice(0, 1000).split(",")) {
    const [tag = "", ...parameters] = range
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    const language = /^pt(-|$)/.test(tag) ? "pt-BR" : /^en(-|$)/.test(tag) ? "en" : undefined;
    const quality = parameters.find((parameter) => parameter.startsWith("q="));
    const weight = quality === undefined ? 1 : Number(quality.slice(2));
    if (language && weight > (best?.weight ?? 0)) best = { language, weight };
  }
  return best?.language ?? fallback;
}
