import { texts } from "../../platform/texts.ts";

export const sentences = texts(
  {
    signedOut: "The device has been signed out.",
    limitInvalid: "Ask for 1 to 100.",
    cursorInvalid: "This is no page of the list: take the address from the Link header of the page before.",
  },
  {
    "pt-BR": {
      signedOut: "O aparelho foi desconectado.",
      limitInvalid: "Peça de 1 a 100.",
      cursorInvalid: "Esta não é uma página da lista: use o endereço do cabeçalho Link da página anterior.",
    },
  },
);
