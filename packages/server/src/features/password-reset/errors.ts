import { defineError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";

export class ResetLinkInvalid extends defineError(
  400,
  "reset_link_invalid",
  sentence("Invalid or expired token.", "Token inválido ou expirado."),
) {}
