import { texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    registered: "User registered successfully. Please check your email for verification.",
    subject: "You already have an account",
    preheader: "Somebody tried to register with your address.",
    opening: "Somebody tried to create an account with this address, but you already have one.",
    signIn: "Sign in",
    ifForgotten: "If you forgot your password, you can choose a new one on the sign-in page.",
    ifNotYou: "If it wasn't you, there is nothing to do: nobody got into your account.",
  },
  {
    "pt-BR": {
      registered: "Usuário cadastrado com sucesso. Verifique seu e-mail para confirmar o cadastro.",
      subject: "Você já tem uma conta",
      preheader: "Alguém tentou se cadastrar com o seu endereço.",
      opening: "Alguém tentou criar uma conta com este endereço, mas você já tem uma.",
      signIn: "Entrar",
      ifForgotten: "Se você esqueceu sua senha, pode escolher outra na página de acesso.",
      ifNotYou: "Se não foi você, não há nada a fazer: ninguém entrou na sua conta.",
    },
  },
);
