import { sentence, texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    error: "Error",
    openApp: "Open {app}",
    goOn: "You can close this page and go on where you came from.",
    signInByApi: "This server has no page to sign in on: your application does that by the API.",
    reference: "API reference",
    email: "Email address",
    checkMail: "Check your email",
    notYet: "Nothing was sent yet",
    sendAgain: "Send again",
  },
  {
    "pt-BR": {
      error: "Erro",
      openApp: "Abrir {app}",
      goOn: "Você pode fechar esta página e continuar de onde veio.",
      signInByApi: "Este servidor não tem página de acesso: seu aplicativo faz isso pela API.",
      reference: "Referência da API",
      email: "Endereço de e-mail",
      checkMail: "Confira seu e-mail",
      notYet: "Nada foi enviado ainda",
      sendAgain: "Enviar de novo",
    },
  },
);

/** For somebody who is told to wait. */
export function tryAgainIn(seconds: number) {
  const spell = (language: string) =>
    new Intl.NumberFormat(language, {
      style: "unit",
      unitDisplay: "long",
      unit: seconds < 120 ? "second" : "minute",
    }).format(seconds < 120 ? seconds : Math.ceil(seconds / 60));
  return sentence(`You can try again in ${spell("en")}.`, `Você pode tentar de novo em ${spell("pt-BR")}.`);
}
