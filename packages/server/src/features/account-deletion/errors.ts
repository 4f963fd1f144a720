import { defineError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";

export class PasswordWrong extends defineError(
  400,
  "password_wrong",
  sentence("Incorrect password.", "Senha incorreta."),
) {}
