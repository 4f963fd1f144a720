import { defineError, defineFormError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";

export class VerificationLinkInvalid extends defineError(
  400,
  "verification_link_invalid",
  sentence("Invalid or expired verification token.", "Token de confirmação inválido ou expirado."),
) {}

export class CodeInvalid extends defineFormError(
  "verification_code_invalid",
  sentence("Invalid or expired verification code.", "Código de confirmação inválido ou expirado."),
  "code",
) {}
