/** What a person sees in a browser where a program would be told in JSON: what happened, and where to go on. */

import type { ApiError } from "../../platform/http/errors.ts";
import { type Document, html } from "../../platform/http/html.ts";
import { texts } from "../../platform/texts.ts";
import type { Context } from "../context.ts";
import { hrefTo } from "./href.ts";
import { layout } from "./layout.ts";
import { problem } from "./problem.ts";
import { tryAgainIn } from "./texts.ts";

const sentences = texts(
  {
    notFound: "Page not found",
    tooOften: "Too many attempts",
    notDone: "That did not work",
    broken: "Something went wrong",
    missing: "There is no page at this address. It may be misspelt, or may have expired.",
    tryAgain: "Try again",
    start: "Go to the start page",
    ref: "If you ask for help, give this number:",
  },
  {
    "pt-BR": {
      notFound: "Página não encontrada",
      tooOften: "Muitas tentativas",
      notDone: "Não deu certo",
      broken: "Algo deu errado",
      missing: "Não há página neste endereço. Ele pode estar errado ou ter expirado.",
      tryAgain: "Tentar de novo",
      start: "Ir para a página inicial",
      ref: "Se pedir ajuda, informe este número:",
    },
  },
);

/** The page of an error, with its status. */
export function errorPage(ctx: Context, error: ApiError): Document {
  const { language } = ctx.request;
  const say = (key: keyof typeof sentences) => sentences[key][language];
  const { status } = error;
  const toStart = html`<p><a href="${hrefTo(ctx, "/")}">${say("start")}</a></p>`;
  if (status === 404)
    return layout(ctx, { title: say("notFound"), status, body: html`<p>${say("missing")}</p>${toStart}` });
  const wait = Number(error.headers["Retry-After"]);
  const isTooOften = status === 429 && wait > 0;
  const isOurs = status >= 500;
  return layout(ctx, {
    title: say(isTooOften ? "tooOften" : isOurs ? "broken" : "notDone"),
    isError: true,
    status,
    body: html`${problem((isTooOften ? tryAgainIn(wait) : error.sentence)[language])}
${isOurs && html`<p class="soft">${say("ref")} <code>${ctx.request.id}</code></p>`}
<p><a class="button" href="">${say("tryAgain")}</a></p>${toStart}`,
  });
}
