/** What a caller can be told went wrong, and the body it is told in: Django REST Framework's, or RFC 9457's. */

import type { Language, Sentence } from "../texts.ts";

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

  constructor(options: ErrorOptions = {}) {
    super(undefined, { cause: options.cause });
    this.headers = options.headers ?? {};
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

/** What a declared error looks like to the router, OpenAPI and the docs. */
export interface DeclaredError {
  new (options?: ErrorOptions): ApiError;
  readonly status: number;
  readonly code: string;
  readonly sentence: Sentence;
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
    override body(language: Language): Record<string, unknown> {
      return this.fields(language);
    }

    override fields(language: Language): Record<string, string[]> {
      return { [field]: [sentence[language]] };
    }
  };
}
