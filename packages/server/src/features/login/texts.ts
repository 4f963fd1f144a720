import { texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    subject: "Sign-in paused for up to {time}",
    preheader: "Somebody typed too many wrong passwords for your account.",
    opening:
      "Somebody typed too many wrong passwords for your account. For up to {time}, nobody can sign in to it on a device that is new to us.",
    ifYou:
      "If it was you, wait a little, or use a device on which you signed in before. If you forgot your password, reset it.",
    ifNotYou: "If it wasn't you, there is nothing to do: none of those passwords was the right one.",
  },
  {
    "pt-BR": {
      subject: "Acesso pausado por até {time}",
      preheader: "Alguém digitou senhas erradas demais para a sua conta.",
      opening:
        "Alguém digitou senhas erradas demais para a sua conta. Por até {time}, ninguém pode entrar nela em um aparelho que ainda não conhecemos.",
      ifYou:
        "Se foi você, espere um pouco ou use um aparelho em que já entrou antes. Se esqueceu sua senha, redefina-a.",
      ifNotYou: "Se não foi você, não há nada a fazer: nenhuma dessas senhas era a certa.",
    },
  },
);
