import { texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    signedOut: "Successfully logged out.",
    subject: "We ended a session to protect you",
    preheader: "One of your sign-ins may have been copied, so we ended it.",
    opening:
      "One of your sign-ins was used in two places, as happens when somebody has copied it. To be safe, we signed that device out.",
    whatToDo: "Sign in again on your device. If you don't know what this was, reset your password as well.",
  },
  {
    "pt-BR": {
      signedOut: "Sessão encerrada com sucesso.",
      subject: "Encerramos uma sessão para proteger você",
      preheader: "Um dos seus acessos pode ter sido copiado, por isso o encerramos.",
      opening:
        "Um dos seus acessos foi usado em dois lugares, como acontece quando alguém o copia. Por segurança, desconectamos esse aparelho.",
      whatToDo: "Entre de novo no seu aparelho. Se você não sabe o que houve, redefina também a sua senha.",
    },
  },
);
