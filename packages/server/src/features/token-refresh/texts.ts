import { texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    signedOut: "Successfully logged out.",
    subject: "We ended a session to protect you",
    opening:
      "A sign-in token of yours was used a second time. That happens when somebody has copied it, so we signed that device out.",
    whatToDo: "Sign in again on your device. If you don't know what this was, choose a new password as well.",
  },
  {
    "pt-BR": {
      signedOut: "Sessão encerrada com sucesso.",
      subject: "Encerramos uma sessão para proteger você",
      opening:
        "Um token de acesso seu foi usado uma segunda vez. Isso acontece quando alguém o copiou, então desconectamos esse aparelho.",
      whatToDo:
        "Entre de novo no seu aparelho. Se você não sabe o que foi isso, escolha também uma nova senha.",
    },
  },
);
