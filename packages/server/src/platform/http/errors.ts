/** What a caller can be told went wrong, and the body it is told in: Django REST Framework's, or RFC 9457's. */

import type { Language, Sentence } from "../texts.ts";
import { inputSentences, throttled } from "./sentences.ts";

/** Sentences by field, in the order a form shows its fields. */
export type FieldErrors = Record<string, Sentence[]>;

export interface ErrorOptions {
  /** Why it happened, for the log only; a caller never sees it. */
  readonly cause?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An error that a caller may see. Everything else that is thrown is a bug, and answers 500. */
export abstract class ApiError extends Error {
  abstract readonly status: number;
  /** Stable word for programs to branch on; renaming one is a breaking change. */
  abstract readonly code: string;
  abstract readonly sentence: Sentence;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether a limit of guesses counts the call: not if what was guessed at was right, or was not looked at. */
  isWrongGuess = true;

  constructor(options: ErrorOptions = {}) {
    super(undefined, { cause: options.cause });
    this.headers = options.headers ?? {};
  }

  override get name(): string {
    return this.constructor.name;
  }

  override get message(): string {
    return this.sentence.en;
  }

  /** The body as Django REST Framework writes it. */
  body(language: Language): Record<string, unknown> {
    return { detail: this.sentence[language] };
  }

  /** The sentences by field, for errors that belong to a form. */
  fields(_language: Language): Record<string, string[]> | undefined {
    return undefined;
  }
}

/** What an error's class tells the documents; the sentence is missing where it is known only when it happens. */
export interface DeclaredError {
  readonly status: number;
  readonly code: string;
  readonly sentence?: Sentence;
  /** Whether its body holds sentences by field, instead of `{"detail": …}`. */
  readonly isOfForm?: boolean;
}

/** Declares an error whose body is `{"detail": …}`, with the extra keys the original wrote, if any. */
export function defineError(
  status: number,
  code: string,
  sentence: Sentence,
  extra: Readonly<Record<string, unknown>> = {},
) {
  return class extends ApiError {
    static readonly status = status;
    static readonly code = code;
    static readonly sentence = sentence;
    readonly status = status;
    readonly code = code;
    readonly sentence = sentence;

    override body(language: Language): Record<string, unknown> {
      return { ...super.body(language), ...extra };
    }
  };
}

/** Declares an error of one field, or of the whole form: `{"non_field_errors": ["…"]}` with status 400. */
export function defineFormError(code: string, sentence: Sentence, field = "non_field_errors") {
  return class extends defineError(400, code, sentence) {
    static readonly isOfForm = true;

    override body(language: Language): Record<string, unknown> {
      return this.fields(language);
    }

    override fields(language: Language): Record<string, string[]> {
      return { [field]: [sentence[language]] };
    }
  };
}

/** Sentences by field, status 400, in the order of the form. */
export class FieldsInvalid extends ApiError {
  static readonly status = 400;
  static readonly code = "invalid";
  static readonly isOfForm = true;
  readonly status = 400;
  readonly code = "invalid";
  readonly sentence: Sentence;
  readonly fieldErrors: FieldErrors;

  constructor(fieldErrors: FieldErrors) {
    super();
    this.fieldErrors = fieldErrors;
    this.sentence = Object.values(fieldErrors)[0]?.[0] ?? inputSentences.noData;
  }

  override body(language: Language): Record<string, string[]> {
    return this.fields(language);
  }

  override fields(language: Language): Record<string, string[]> {
    return Object.fromEntries(
      Object.entries(this.fieldErrors).map(([name, sentences]) => [
        name,
        sentences.map((sentence) => sentence[language]),
      ]),
    );
  }
}

/** An error whose sentence is known only when it happens. */
export class RequestRefused extends ApiError {
  readonly status: number;
  readonly code: string;
  readonly sentence: Sentence;

  constructor(
    status: number,
    code: string,
    sentence: Sentence,
    headers: Readonly<Record<string, string>> = {},
  ) {
    super({ headers });
    this.status = status;
    this.code = code;
    this.sentence = sentence;
  }
}

/** RFC 6585, 4: too many requests; `Retry-After` in whole seconds. */
export class Throttled extends RequestRefused {
  static readonly status = 429;
  static readonly code = "throttled";
  override isWrongGuess = false;

  constructor(milliseconds: number) {
    const seconds = Math.max(1, Math.ceil(milliseconds / 1000));
    super(429, "throttled", throttled(seconds), { "Retry-After": String(seconds) });
  }
}

export class NotFound extends defineError(404, "not_found", inputSentences.notFound) {}

/** Something we lean on (the database, a queue) cannot serve right now; the same request may work soon. */
export class Unavailable extends defineError(503, "unavailable", inputSentences.unavailable) {
  constructor(options: ErrorOptions = {}) {
    super({ ...options, headers: { "Retry-After": "1", ...options.headers } });
  }
}
