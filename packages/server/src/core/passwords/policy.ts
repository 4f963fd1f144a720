/** Says what is wrong with a new password, in the words and the order of Django's validators. */

import { type Sentence, sentence, texts } from "../../platform/texts.ts";
import { commonForm, isCommonPassword } from "./common.ts";
import { type About, findSimilarAttribute } from "./similarity.ts";

/** In code points of the NFKC form. Whoever takes a password checks this first; nothing is ever cut off. */
export const passwordMaxLength = 256;

const similarTo = texts(
  {
    username: "The password is too similar to the username.",
    firstName: "The password is too similar to the first name.",
    lastName: "The password is too similar to the last name.",
    email: "The password is too similar to the email.",
  },
  {
    "pt-BR": {
      username: "A senha se parece demais com o nome de usuário.",
      firstName: "A senha se parece demais com o primeiro nome.",
      lastName: "A senha se parece demais com o sobrenome.",
      email: "A senha se parece demais com o e-mail.",
    },
  },
);

const { tooCommon, numeric } = texts(
  { tooCommon: "This password is too common.", numeric: "This password is entirely numeric." },
  { "pt-BR": { tooCommon: "Esta senha é comum demais.", numeric: "Esta senha só tem números." } },
);

/**
 * All that is wrong with a new password; nothing, if it will do. No rules of composition and no expiry, since both
 * make passwords worse (NIST SP 800-63B-4, 3.1.1.2): length, and not being what a guesser tries first.
 */
export function passwordProblems(
  password: string,
  rules: { readonly minLength: number; readonly appName: string; readonly about: About },
): Sentence[] {
  const normalised = password.normalize("NFKC");
  const similar = findSimilarAttribute(normalised, rules.about);
  const isCommon = isCommonPassword(normalised) || isDecoratedName(normalised, rules.appName);
  return [
    ...(similar ? [similarTo[similar]] : []),
    ...(Array.from(normalised).length < rules.minLength ? [tooShort(rules.minLength)] : []),
    ...(isCommon ? [tooCommon] : []),
    ...(/^\p{N}+$/u.test(normalised) ? [numeric] : []),
  ];
}

function tooShort(minLength: number): Sentence {
  const [characters, caracteres] =
    minLength === 1 ? ["character", "caractere"] : ["characters", "caracteres"];
  return sentence(
    `This password is too short. It must contain at least ${minLength} ${characters}.`,
    `Esta senha é curta demais. Use pelo menos ${minLength} ${caracteres}.`,
  );
}

/** Whether the password is the application's name, once or more, and otherwise only digits, signs and space. */
function isDecoratedName(password: string, appName: string): boolean {
  const name = lettersOf(appName);
  // A name of one or two letters says nothing: they stand in half of all passwords by chance.
  if (Array.from(name).length < 3) return false;
  const letters = lettersOf(password);
  return letters.includes(name) && !/\p{L}/u.test(letters.replaceAll(name, ""));
}

function lettersOf(text: string): string {
  return commonForm(text).replace(/[^\p{L}\p{M}\p{N}]+/gu, "");
}
