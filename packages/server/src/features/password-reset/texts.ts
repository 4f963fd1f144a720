import { tryAgainIn } from "../../core/pages/texts.ts";
import { sentence, texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    requested: "If an account with this email exists, a password reset link has been sent.",
    done: "Password has been reset successfully.",
    opening: "Somebody asked to reset the password of your account. If it was you, choose a new one here.",
    openingFirst:
      "Your address is verified. One step is left before you can sign in: choose a password. Your account has none yet.",
    button: "Choose a new password",
    buttonFirst: "Choose a password",
    linkTime: "The link can be used once, within {time}.",
    ifNotYou: "If it wasn't you, ignore this mail: your password stays as it is.",
    ifNotYouFirst: "If it wasn't you, ignore this mail: nobody can sign in without that password.",
    pageTitle: "Choose a new password",
    rules: "At least {count} characters, not a common password, and nothing like your name or address.",
    newPassword: "New password",
    again: "New password, again",
    save: "Save password",
    doneTitle: "Password changed",
    doneText: "You can sign in with it now. Every device was signed out.",
    failedTitle: "This link does not work any more",
    failedText: "It was used, replaced by newer ones, or is too old.",
    askTitle: "Reset your password",
    askText: "Type the address of your account, and a link to choose a new password is sent there.",
    send: "Send a link",
    another: "Ask for another link",
  },
  {
    "pt-BR": {
      requested: "Se existir uma conta com este e-mail, um link para redefinir a senha foi enviado.",
      done: "Senha redefinida com sucesso.",
      opening: "Alguém pediu para redefinir a senha da sua conta. Se foi você, escolha uma nova aqui.",
      openingFirst:
        "Seu endereço está confirmado. Falta um passo para você entrar: escolha uma senha. Sua conta ainda não tem nenhuma.",
      button: "Escolher nova senha",
      buttonFirst: "Escolher senha",
      linkTime: "O link pode ser usado uma vez, em até {time}.",
      ifNotYou: "Se não foi você, ignore este e-mail: sua senha continua a mesma.",
      ifNotYouFirst: "Se não foi você, ignore este e-mail: ninguém consegue entrar sem essa senha.",
      pageTitle: "Escolha uma nova senha",
      rules: "Pelo menos {count} caracteres, que não seja comum nem parecida com seu nome ou endereço.",
      newPassword: "Nova senha",
      again: "Nova senha, de novo",
      save: "Salvar senha",
      doneTitle: "Senha alterada",
      doneText: "Você já pode entrar com ela. Todos os aparelhos foram desconectados.",
      failedTitle: "Este link não funciona mais",
      failedText: "Ele já foi usado, substituído por outros ou é antigo demais.",
      askTitle: "Redefina sua senha",
      askText: "Digite o endereço da sua conta e enviaremos para lá um link para escolher uma nova senha.",
      send: "Enviar link",
      another: "Pedir outro link",
    },
  },
);

export const subject = (app: string) =>
  sentence(`Reset your ${app} password`, `Redefina sua senha do ${app}`);

export const firstSubject = (app: string) =>
  sentence(`Choose your ${app} password`, `Escolha sua senha do ${app}`);

export const tooEarly = (seconds: number) => {
  const wait = tryAgainIn(seconds);
  return sentence(
    `Nothing was sent: you asked for a link less than a minute ago. ${wait.en}`,
    `Nada foi enviado: você pediu um link há menos de um minuto. ${wait["pt-BR"]}`,
  );
};
