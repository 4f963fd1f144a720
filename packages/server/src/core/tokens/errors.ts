/** What is said of a token that is not good: simplejwt's sentences, and which one when. */

import { type DeclaredError, defineError, RequestRefused } from "../../platform/http/errors.ts";
import type { Language } from "../../platform/texts.ts";
import { type Sentence, sentence, texts } from "../../platform/texts.ts";
import type { ClaimsProblem } from "./claims.ts";

const challenge = { "WWW-Authenticate": 'Bearer realm="api"' };

const said = texts(
  {
    invalid: "Token is invalid or expired",
    no_expiry: "Token has no 'exp' claim",
    no_id: "Token has no id",
    no_type: "Token has no type",
    wrong_type: "Token has wrong type",
    no_user: "Token contained no recognizable user identification",
    blacklisted: "Token is blacklisted",
    given: "Given token not valid for any token type",
  },
  {
    "pt-BR": {
      invalid: "O token é inválido ou expirou",
      no_expiry: "O token não tem a informação 'exp'",
      no_id: "O token não tem identificador",
      no_type: "O token não tem tipo",
      wrong_type: "O token é de outro tipo",
      no_user: "O token não diz de qual usuário é",
      blacklisted: "O token não vale mais",
      given: "O token informado não é válido para nenhum tipo de token",
    },
  },
);

class TokenError extends RequestRefused {
  static readonly status = 401;
  readonly extra: Readonly<Record<string, unknown>>;

  constructor(code: string, sentence: Sentence, extra: Readonly<Record<string, unknown>> = {}) {
    super(401, code, sentence, challenge);
    this.extra = extra;
  }

  override body(language: Language): Record<string, unknown> {
    return { ...super.body(language), code: this.code, ...this.extra };
  }
}

/** No token was sent to a route that needs one. */
export class NotAuthenticated extends defineError(
  401,
  "not_authenticated",
  sentence(
    "Authentication credentials were not provided.",
    "As credenciais de autenticação não foram fornecidas.",
  ),
) {
  constructor() {
    super({ headers: challenge });
  }
}

/** A token in a body that is not good. */
export class TokenInvalid extends TokenError {
  static readonly code = "token_not_valid";
  static readonly sentence = said.invalid;

  constructor(problem: ClaimsProblem | "blacklisted" = "invalid") {
    super("token_not_valid", said[problem === "unknown_user" ? "invalid" : problem]);
  }
}

/** A bearer token that is not good. */
export class BearerInvalid extends TokenError {
  static readonly code = "token_not_valid";
  static readonly sentence = said.given;
  readonly problem: Sentence | undefined;

  constructor(problem: Exclude<ClaimsProblem, "unknown_user"> = "invalid") {
    super("token_not_valid", problem === "no_user" ? said.no_user : said.given);
    this.problem = problem === "no_user" ? undefined : said[problem];
  }

  override body(language: Language): Record<string, unknown> {
    if (!this.problem) return super.body(language);
    const message = { token_class: "AccessToken", token_type: "access", message: this.problem[language] };
    return { ...super.body(language), messages: [message] };
  }
}

export class HeaderMalformed extends TokenError {
  static readonly code = "bad_authorization_header";
  static readonly sentence = sentence(
    "Authorization header must contain two space-delimited values",
    "O cabeçalho Authorization deve conter dois valores separados por espaço",
  );

  constructor() {
    super(HeaderMalformed.code, HeaderMalformed.sentence);
  }
}

export class UserNotFound extends TokenError {
  static readonly code = "user_not_found";
  static readonly sentence = sentence("User not found", "Usuário não encontrado");

  constructor() {
    super(UserNotFound.code, UserNotFound.sentence);
  }
}

export class UserInactive extends TokenError {
  static readonly code = "user_inactive";
  static readonly sentence = sentence("User is inactive", "Usuário inativo");

  constructor() {
    super(UserInactive.code, UserInactive.sentence);
  }
}

/** What a bearer token can be refused with. */
export const bearerErrors: readonly DeclaredError[] = [
  NotAuthenticated,
  BearerInvalid,
  HeaderMalformed,
  UserNotFound,
  UserInactive,
];
