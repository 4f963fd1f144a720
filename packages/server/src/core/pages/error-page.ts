/** What a person sees in a browser where a program would be told in JSON: what happened, and where to go on. */

import type { ApiError } from "../../platform/http/errors.ts";
import { type Document, html } from "../../platform/http/html.ts";
import { texts } from "../../platform/texts.ts";
import type { Context } from "../context.ts";
import { hrefTo } from "./href.ts";
import { layout } from "./layout.ts";

const sentences = texts(
  {
    notFound: "Page not found",
    tooMany: "Too many attempts",
    refused: "That did not work",
    broken: "Something went wrong",
    missing: "There is no page at this address. It may be misspelt, or may have expired.",
    again: "Try again",
    start: "Go to the start page",
    ref: "If you ask for help, give this number:",
  },
  {
    "pt-BR": {
      notFound: "Página não encontrada",
      tooMany: "Muitas tentativas",
      refused: "Não deu certo",
      broken: "Algo deu errado",
      missing: "Não há página neste endereço. Ele pode estar errado ou ter expirado.",
      again: "Tentar de novo",
      start: "Ir para a página inicial",
      ref: "Se pedir ajuda, informe este número:",
    },
  },
);

/** The page of an error, with its status. */
export function errorPage(ctx: Context, error: ApiError): Document {
  const say = (key: keyof typeof sentences) => sentences[key][ctx.request.language];
  const { status } = error;
  const mayPass = status === 429 || status >= 500;
  return layout(ctx, {
    title: say(
      status === 404 ? "notFound" : status === 429 ? "tooMany" : status >= 500 ? "broken" : "refused",
    ),
    status,
    body: html`<p>${status === 404 ? say("missing") : error.sentence[ctx.request.language]}</p>
${status >= 500 && html`<p class="soft">${say("ref")} <code>${ctx.request.id}</code></p>`}
<p>${mayPass ? html`<a href="">${say("again")}</a> · ` : ""}<a href="${hrefTo(ctx, "/")}">${say("start")}</a></p>`,
  });
}
