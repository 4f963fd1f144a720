import { texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    title: "Accounts",
    text: "This is where accounts live: it signs people in to {app}.",
    toApp: "Go to {app}",
  },
  {
    "pt-BR": {
      title: "Contas",
      text: "Aqui ficam as contas: é por aqui que as pessoas entram em {app}.",
      toApp: "Ir para {app}",
    },
  },
);
