/** Django REST Framework's sentences about input, in every language: the one table that validation speaks from. */

import { type Sentence, sentence, texts } from "../texts.ts";

export const inputSentences = texts(
  {
    required: "This field is required.",
    null: "This field may not be null.",
    blank: "This field may not be blank.",
    notText: "Not a valid string.",
    notEmail: "Enter a valid email address.",
    notUuid: "Must be a valid UUID.",
    notInteger: "A valid integer is required.",
    notBoolean: "Must be a valid boolean.",
    notDate: "Date has wrong format. Use one of these formats instead: YYYY-MM-DD.",
    notJson: "Value must be valid JSON.",
    nulCharacter: "Null characters are not allowed.",
    noData: "No data provided",
    notFound: "Not found.",
    serverError: "A server error occurred.",
    tooLarge: "Request body is too large.",
    unavailable: "The service is busy. Please try again.",
    forbiddenOrigin: "This request did not come from our own page.",
  },
  {
    "pt-BR": {
      required: "Este campo é obrigatório.",
      null: "Este campo não pode ser nulo.",
      blank: "Este campo não pode ficar em branco.",
      notText: "Não é um texto válido.",
      notEmail: "Informe um endereço de e-mail válido.",
      notUuid: "Deve ser um UUID válido.",
      notInteger: "Informe um número inteiro válido.",
      notBoolean: "Deve ser verdadeiro ou falso.",
      notDate: "Data em formato errado. Use o formato AAAA-MM-DD.",
      notJson: "O valor deve ser um JSON válido.",
      nulCharacter: "Caracteres nulos não são permitidos.",
      noData: "Nenhum dado enviado",
      notFound: "Não encontrado.",
      serverError: "Ocorreu um erro no servidor.",
      tooLarge: "O corpo da requisição é grande demais.",
      unavailable: "O serviço está ocupado. Tente novamente.",
      forbiddenOrigin: "Esta requisição não veio da nossa própria página.",
    },
  },
);

export const tooLong = (most: number): Sentence =>
  sentence(
    `Ensure this field has no more than ${most} characters.`,
    `Este campo não pode ter mais de ${most} caracteres.`,
  );

export const tooSmall = (least: number): Sentence =>
  sentence(
    `Ensure this value is greater than or equal to ${least}.`,
    `O valor deve ser maior ou igual a ${least}.`,
  );

export const tooBig = (most: number): Sentence =>
  sentence(
    `Ensure this value is less than or equal to ${most}.`,
    `O valor deve ser menor ou igual a ${most}.`,
  );

export const notAChoice = (value: string): Sentence =>
  sentence(`"${value}" is not a valid choice.`, `"${value}" não é uma opção válida.`);

export const surrogate = (unit: number): Sentence => {
  const name = `U+${unit.toString(16).toUpperCase()}`;
  return sentence(
    `Surrogate characters are not allowed: ${name}.`,
    `Caracteres substitutos não são permitidos: ${name}.`,
  );
};

export const notADictionary = (kind: string): Sentence =>
  sentence(
    `Invalid data. Expected a dictionary, but got ${kind}.`,
    `Dados inválidos. Esperado um dicionário, recebido ${kind}.`,
  );

export const malformedJson = (reason: string): Sentence =>
  sentence(`JSON parse error - ${reason}`, `Erro ao ler o JSON - ${reason}`);

export const malformedForm = (reason: string, what: "Form" | "Multipart form" = "Form"): Sentence =>
  sentence(`${what} parse error - ${reason}`, `Erro ao ler o formulário - ${reason}`);

export const unsupportedType = (type: string): Sentence =>
  sentence(
    `Unsupported media type "${type}" in request.`,
    `Tipo de mídia "${type}" não suportado na requisição.`,
  );

export const wrongMethod = (method: string): Sentence =>
  sentence(`Method "${method}" not allowed.`, `Método "${method}" não permitido.`);

export const throttled = (seconds: number): Sentence =>
  sentence(
    `Request was throttled. Expected available in ${seconds} second${seconds === 1 ? "" : "s"}.`,
    `Requisição limitada. Disponível novamente em ${seconds} segundo${seconds === 1 ? "" : "s"}.`,
  );
