/** The addresses that isemail collected to try validators with: valid, odd and invalid ones. */

import { readFileSync } from "node:fs";

const corpus = new URL("../../../../tests/corpora/isemail/", import.meta.url);
const named = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" } as const;

/** Both of its lists; U+2400 + n stands for the control character n in them. */
export function isemailAddresses(): string[] {
  return ["isemail-tests.xml", "isemail-tests-original.xml"].flatMap((file) => {
    const text = readFileSync(new URL(file, corpus), "utf8");
    return [...text.matchAll(/<address>([\s\S]*?)<\/address>|<address\/>/g)].map(([, address = ""]) =>
      address
        .replace(/&#x([0-9a-f]+);/gi, (_, hex: string) => String.fromCodePoint(Number.parseInt(hex, 16)))
        .replace(/&#(\d+);/g, (_, digits: string) => String.fromCodePoint(Number(digits)))
        .replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => named[name as keyof typeof named])
        .replace(/[\u2400-\u241f]/g, (symbol) => String.fromCharCode(symbol.charCodeAt(0) - 0x2400)),
    );
  });
}
