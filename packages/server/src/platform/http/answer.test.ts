import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Language } from "../texts.ts";
import { errorAnswer } from "./answer.ts";
import {
  type ApiError,
  defineError,
  defineFormError,
  FieldsInvalid,
  NotFound,
  Throttled,
  Unavailable,
} from "./errors.ts";
import type { RequestInfo } from "./request.ts";
import { inputSentences } from "./sentences.ts";

const sentence = { en: "It is gone.", "pt-BR": "Não existe mais." };
class Gone extends defineError(404, "gone", sentence, { hint: "x" }) {}
class Mismatch extends defineFormError("mismatch", sentence, "new_password") {}

async function answer(error: ApiError, accept?: string, language: Language = "en") {
  const headers = new Headers(accept === undefined ? {} : { accept });
  const response = errorAnswer(error, { id: "r-1", language, headers } as RequestInfo);
  return { status: response.status, headers: response.headers, body: JSON.parse(await response.text()) };
}

const isProblem = async (accept?: string) =>
  (await answer(new Gone(), accept)).headers.get("content-type") === "application/problem+json";

describe("an error's answer", () => {
  it("is Django REST Framework's, with the keys the original wrote", async () => {
    const { status, headers, body } = await answer(new Gone());
    assert.deepEqual(
      [status, headers.get("content-type"), body],
      [404, "application/json", { detail: "It is gone.", hint: "x" }],
    );
  });

  it("names fields where it belongs to some", async () => {
    assert.deepEqual((await answer(new Mismatch())).body, { new_password: ["It is gone."] });
    const invalid = new FieldsInvalid({
      email: [inputSentences.required],
      a: [sentence, inputSentences.blank],
    });
    assert.deepEqual((await answer(invalid, undefined, "pt-BR")).body, {
      email: ["Este campo é obrigatório."],
      a: ["Não existe mais.", "Este campo não pode ficar em branco."],
    });
  });

  it("is a problem of RFC 9457 for who accepts one, in the caller's language", async () => {
    const { status, headers, body } = await answer(new Gone(), "application/problem+json", "pt-BR");
    assert.deepEqual(body, {
      ...{
        type: "about:blank",
        title: "Not Found",
        status: 404,
        detail: "Não existe mais.",
        code: "gone",
        ref: "r-1",
      },
    });
    assert.deepEqual(
      [status, headers.get("content-type"), headers.get("content-language")],
      [404, "application/problem+json", "pt-BR"],
    );
    const fields = (await answer(new FieldsInvalid({ a: [sentence] }), "application/problem+json")).body;
    assert.deepEqual(
      [fields.status, fields.code, fields.detail, fields.errors],
      [400, "invalid", "It is gone.", { a: ["It is gone."] }],
    );
  });

  it("is a problem only where that is wanted at least as much as plain JSON", async () => {
    for (const accept of [
      ...[
        "application/problem+json",
        "Application/Problem+JSON",
        "application/json, application/problem+json",
      ],
      ...["application/problem+json;q=0.5", "text/html, application/problem+json ; q=0.1, */*;q=0.9"],
      ...["application/json;q=0.5,application/problem+json;q=0.9", "application/problem+json; charset=utf-8"],
    ]) {
      assert.ok(await isProblem(accept), accept);
    }
    for (const accept of [
      ...[
        undefined,
        "",
        "*/*",
        "application/*",
        "application/json",
        "application/problem+xml",
        "application/problem+jsonx",
      ],
      ...[
        "application/problem+json;q=0",
        "application/problem+json;q=0.5, application/json",
        "xapplication/problem+json",
      ],
      ...["application/problem+json;q=x", "text/html;x=application/problem+json", "a".repeat(100_000)],
    ]) {
      assert.ok(!(await isProblem(accept)), accept);
    }
  });

  it("keeps its headers in both shapes", async () => {
    for (const accept of [undefined, "application/problem+json"]) {
      assert.equal((await answer(new Throttled(41_001), accept)).headers.get("retry-after"), "42");
      assert.equal((await answer(new Throttled(1), accept)).headers.get("retry-after"), "1");
      assert.equal((await answer(new Unavailable(), accept)).headers.get("retry-after"), "1");
    }
  });

  it("says nothing of why it happened", async () => {
    const { body } = await answer(
      new NotFound({ cause: new Error("row 7 of accounts") }),
      "application/problem+json",
    );
    assert.doesNotMatch(JSON.stringify(body), /accounts/);
  });
});

describe("too many requests", () => {
  it("are told in the original's words", async () => {
    assert.deepEqual((await answer(new Throttled(1000))).body, {
      detail: "Request was throttled. Expected available in 1 second.",
    });
    assert.deepEqual((await answer(new Throttled(42_000))).body, {
      detail: "Request was throttled. Expected available in 42 seconds.",
    });
  });
});
