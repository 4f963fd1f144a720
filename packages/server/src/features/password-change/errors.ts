import { defineError } from "../../platform/http/errors.ts";
import { sentence } from "../../platform/texts.ts";

/** Status 400, never 401: clients answer a 401 by refreshing and asking again. */
export class CurrentPasswordWrong extends defineError(
  400,
  "current_password_wrong",
  sentence("Current password is incorrect.", "Senha atual incorreta."),
) {}
