/** Reads a request's body: JSON, or a form as browsers send it, 64 KiB at the most. */

import { isUtf8 } from "node:buffer";
import { isExactNumber, parseJson } from "../json.ts";
import type { Sentence } from "../texts.ts";
import { RequestRefused } from "./errors.ts";
import { inputSentences, malformedForm, malformedJson, unsupportedType } from "./sentences.ts";

export const bodyMaxBytes = 64 * 1024;

/** A parsed body; `kind` is named as the original named Python's types in its sentences. */
export type BodyData =
  | {
      readonly kind: "dict";
      readonly data: Readonly<Record<string, unknown>>;
      /** Whether it came as a web form, in which every value is a text. */
      readonly isForm?: true;
    }
  | { readonly kind: "list" | "str" | "int" | "float" | "bool" | "null" };

/** The body as data. Throws 400 for malformed text, 413 over the limit, 415 for another content type. */
export async function readBody(request: Request): Promise<BodyData> {
  const bytes = await readBytes(request);
  const contentType = request.headers.get("content-type") ?? "";
  if (bytes.length === 0) return { kind: "dict", data: {} };
  if (request.headers.has("content-encoding")) throw unsupported(contentType);
  const type = contentType.split(";")[0]?.trim().toLowerCase();
  if (type === "application/json") return readJson(decodeUtf8(bytes, malformedJson));
  if (type === "application/x-www-form-urlencoded") {
    const pairs = new URLSearchParams(decodeUtf8(bytes, malformedForm));
    return { kind: "dict", data: lastOfEach(pairs), isForm: true };
  }
  // Anything else is refused: a page of another site can send text/plain without asking first.
  if (type === "multipart/form-data") {
    return { kind: "dict", data: await parseMultipart(bytes, contentType), isForm: true };
  }
  throw unsupported(contentType);
}

const unsupported = (contentType: string) =>
  new RequestRefused(415, "unsupported_media_type", unsupportedType(contentType.slice(0, 200)));

async function readBytes(request: Request): Promise<Buffer<ArrayBuffer>> {
  const announced = request.headers.get("content-length") ?? "";
  if (Number(announced) > bodyMaxBytes) throw tooLarge();
  try {
    // No server lets a body outgrow what was announced (RFC 9112, 6.3): it is read at once, which costs a fraction.
    const isAnnounced = /^\d+$/.test(announced);
    const bytes = isAnnounced ? Buffer.from(await request.arrayBuffer()) : await countBytes(request);
    if (bytes.length > bodyMaxBytes) throw tooLarge();
    return bytes;
  } catch (error) {
    // Whoever hangs up halfway has made no bug of ours; nobody is left to read the answer.
    throw error instanceof RequestRefused ? error : malformed(malformedJson("the body ended early"));
  }
}

/** The bytes of a body whose size nobody announced; gives up as soon as they are too many. */
async function countBytes(request: Request): Promise<Buffer<ArrayBuffer>> {
  if (!request.body) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body as unknown as AsyncIterable<Uint8Array>) {
    size += chunk.length;
    if (size > bodyMaxBytes) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

const tooLarge = () => new RequestRefused(413, "too_large", inputSentences.tooLarge, { Connection: "close" });

const malformed = (sentence: Sentence) => new RequestRefused(400, "parse_error", sentence);

function decodeUtf8(bytes: Buffer, say: (reason: string) => Sentence): string {
  if (!isUtf8(bytes)) throw malformed(say("the body is not UTF-8"));
  return bytes.toString();
}

function readJson(text: string): BodyData {
  let value: unknown;
  try {
    value = parseJson(text);
  } catch {
    // The engine's own message quotes the body, which may hold a password.
    throw malformed(malformedJson("the body is not valid JSON"));
  }
  if (isExactNumber(value)) return { kind: "int" };
  if (value === null) return { kind: "null" };
  if (Array.isArray(value)) return { kind: "list" };
  if (typeof value === "object") return { kind: "dict", data: value as Record<string, unknown> };
  if (typeof value === "number") return { kind: /^\s*-?\d+\s*$/.test(text) ? "int" : "float" };
  return { kind: typeof value === "string" ? "str" : "bool" };
}

function lastOfEach(pairs: Iterable<[string, unknown]>): Record<string, unknown> {
  const data: Record<string, unknown> = Object.create(null);
  for (const [name, value] of pairs) data[name] = value;
  return data;
}

/** Stands where a form holds a file: no field of ours takes one. */
export const uploadedFile = Symbol("file");

/** The texts of a form, and after them its files, as Django reads them; a file without a name was not chosen. */
async function parseMultipart(bytes: Uint8Array<ArrayBuffer>, contentType: string) {
  if (!/;\s*boundary=/i.test(contentType)) {
    throw malformed(malformedForm("Invalid boundary in multipart: None", "Multipart form"));
  }
  try {
    const form = await new Response(bytes, { headers: { "content-type": contentType } }).formData();
    const texts = [...form].filter(([, value]) => typeof value === "string");
    const files = [...form].filter(([, value]) => typeof value !== "string" && value.name !== "");
    return lastOfEach([...texts, ...files.map(([name]): [string, unknown] => [name, uploadedFile])]);
  } catch {
    throw malformed(malformedForm("the body is malformed", "Multipart form"));
  }
}
