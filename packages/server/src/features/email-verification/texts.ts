import { tryAgainIn } from "../../core/pages/texts.ts";
import { sentence, texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    verified: "Email verified successfully. You can now log in.",
    passwordMissing:
      "Email verified successfully. Now choose a password: a link for that has been mailed to you.",
    resent: "If an account with this email is waiting for verification, a new message has been sent.",
    pageTitle: "Verify your email",
    pageText: "Press the button to verify that this address is yours.",
    verify: "Verify email",
    doneTitle: "Email verified",
    choosePassword: "One step is left: choose a password. Nobody has one for this account.",
    choose: "Choose a password",
    alreadyTitle: "Email already verified",
    alreadyText: "This address is verified. There is nothing left to do here.",
    passwordByMail: "One step is left: choose a password, with the link that was mailed to you.",
    passwordAgain: "Send me that link",
    failedTitle: "This link does not work any more",
    failedText:
      "It was replaced, is too old or not complete. If your address is not verified yet, have another sent to it.",
    askTitle: "Verify your email",
    askText: "Type the address of your account, and a new message to verify it is sent there.",
    send: "Send a new link",
    opening: "Type this code on the page where you created your account, or open the link below.",
    times: "The code works for {code}, the link for {link}.",
    ifNotYou:
      "You got this mail because somebody created an account with this address. If it wasn't you, ignore it.",
    welcomeSubject: "Welcome to {app}",
    welcomeText: "Your address is verified and your account is ready.",
    openApp: "Open the app",
  },
  {
    "pt-BR": {
      verified: "E-mail confirmado com sucesso. Agora você já pode entrar.",
      passwordMissing:
        "E-mail confirmado com sucesso. Agora escolha uma senha: enviamos um link para isso por e-mail.",
      resent: "Se houver uma conta com este e-mail aguardando confirmação, uma nova mensagem foi enviada.",
      pageTitle: "Confirme seu e-mail",
      pageText: "Aperte o botão para confirmar que este endereço é seu.",
      verify: "Confirmar e-mail",
      doneTitle: "E-mail confirmado",
      choosePassword: "Falta um passo: escolha uma senha. Esta conta ainda não tem nenhuma.",
      choose: "Escolher uma senha",
      alreadyTitle: "E-mail já confirmado",
      alreadyText: "Este endereço está confirmado. Não há mais nada a fazer aqui.",
      passwordByMail: "Falta um passo: escolha uma senha, com o link que enviamos por e-mail.",
      passwordAgain: "Enviar esse link para mim",
      failedTitle: "Este link não funciona mais",
      failedText:
        "Ele foi substituído, é antigo demais ou está incompleto. Se seu endereço ainda não está confirmado, peça outro.",
      askTitle: "Confirme seu e-mail",
      askText: "Digite o endereço da sua conta e enviaremos para lá uma nova mensagem de confirmação.",
      send: "Enviar novo link",
      opening: "Digite este código na página em que você criou a conta ou abra o link abaixo.",
      times: "O código vale por {code}; o link, por {link}.",
      ifNotYou:
        "Você recebeu este e-mail porque alguém criou uma conta com este endereço. Se não foi você, basta ignorar.",
      welcomeSubject: "Boas-vindas ao {app}",
      welcomeText: "Seu endereço está confirmado e sua conta está pronta.",
      openApp: "Abrir o aplicativo",
    },
  },
);

export const codeSubject = (code: string, app: string) =>
  sentence(`${code} is your ${app} code`, `${code} é seu código ${app}`);

export const tooEarly = (seconds: number) => {
  const wait = tryAgainIn(seconds);
  return sentence(
    `Nothing was sent: you asked for a message less than a minute ago. ${wait.en}`,
    `Nada foi enviado: você pediu uma mensagem há menos de um minuto. ${wait["pt-BR"]}`,
  );
};
