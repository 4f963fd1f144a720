import { texts } from "../../platform/texts.ts";

export const sentences = texts(
  { signedOut: "The device has been signed out." },
  { "pt-BR": { signedOut: "O aparelho foi desconectado." } },
);
