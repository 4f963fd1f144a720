import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { type BodyData, bodyMaxBytes, readBody, uploadedFile } from "./body.ts";
import { ApiError } from "./errors.ts";

type Bytes = string | Uint8Array<ArrayBuffer>;

function requestOf(body: Bytes | ReadableStream, headers: Readonly<Record<string, string>> = {}): Request {
  const type = { "content-type": "application/json" };
  return new Request("http://localhost/", {
    method: "POST",
    headers: { ...type, ...headers },
    body,
    duplex: "half",
  });
}

/** The body's data, or the status and sentence of the refusal; anything else that is thrown fails the test. */
async function read(body: Bytes | ReadableStream, headers?: Readonly<Record<string, string>>) {
  try {
    return await readBody(requestOf(body, headers));
  } catch (error) {
    if (!(error instanceof ApiError)) throw error;
    return { status: error.status, detail: error.sentence.en, headers: error.headers };
  }
}

const statusOf = (answer: Awaited<ReturnType<typeof read>>) => ("status" in answer ? answer.status : "read");
const bytesOf = (...numbers: number[]) => Uint8Array.from(numbers);
const textBytes = (text: string) => new Uint8Array(Buffer.from(text));

function streamOf(...chunks: Uint8Array[]): ReadableStream {
  return new ReadableStream({
    pull: (controller) => {
      const chunk = chunks.shift();
      if (chunk) controller.enqueue(chunk);
      else controller.close();
    },
  });
}

describe("a JSON body", () => {
  it("is named as the original named Python's types", async () => {
    const kinds: [string, BodyData["kind"]][] = [
      ...[
        ["{}", "dict"],
        ["[]", "list"],
        ['"a"', "str"],
        ["7", "int"],
        [" -0 ", "int"],
        ["1.5", "float"],
      ],
      ...[
        ["1e2", "float"],
        ["1e400", "float"],
        ["true", "bool"],
        ["false", "bool"],
        ["null", "null"],
      ],
    ] as [string, BodyData["kind"]][];
    for (const [text, kind] of kinds) assert.equal(((await read(text)) as BodyData).kind, kind, text);
  });

  it("is accepted or refused as the standard says, for every case of JSONTestSuite", async () => {
    const folder = join(import.meta.dirname, "../../../../../tests/corpora/json/test_parsing");
    const files = readdirSync(folder);
    assert.deepEqual(
      ["y", "n", "i"].map((kind) => files.filter((file) => file.startsWith(`${kind}_`)).length),
      [95, 188, 35],
    );
    for (const file of files) {
      const bytes = new Uint8Array(readFileSync(join(folder, file)));
      const answer = await read(bytes);
      // An empty body is an empty form, and the longest cases are over the limit before they are read.
      const refused = bytes.length > bodyMaxBytes ? 413 : 400;
      const expected: Record<string, (string | number)[]> = {
        y: ["read"],
        n: bytes.length === 0 ? ["read"] : [refused],
        i: ["read", 400],
      };
      assert.ok(expected[file.slice(0, 1)]?.includes(statusOf(answer)), `${file}: ${statusOf(answer)}`);
    }
  });

  it("may be nested as deeply as fits into it, and is refused quickly when it is broken at the bottom", async () => {
    assert.deepEqual(await read("[".repeat(32_000) + "]".repeat(32_000)), { kind: "list" });
    assert.equal(statusOf(await read("[".repeat(65_000))), 400);
    assert.equal(statusOf(await read('{"a":'.repeat(13_000))), 400);
  });

  it("holds no NaN, endless number by name or other dialect", async () => {
    for (const text of [
      ...[
        "NaN",
        "Infinity",
        "-Infinity",
        '{"a":NaN}',
        "{'a':1}",
        "{a:1}",
        '{"a":1,}',
        "[1,]",
        "/* */{}",
        "{}//",
        "0x1",
      ],
      ...["01", "+1", ".5", "1.", '"\t"', '"\\x41"', "undefined", "{}{}", "{} x", "\u00a0{}", "\v{}"],
    ]) {
      assert.equal(statusOf(await read(text)), 400, text);
    }
  });

  it("is UTF-8 and nothing that only looks like it", async () => {
    const quoted = (...bytes: number[]) => bytesOf(0x22, ...bytes, 0x22);
    for (const bytes of [
      quoted(0xc0, 0xaf), // overlong
      quoted(0xe0, 0x80, 0xaf),
      quoted(0xf0, 0x80, 0x80, 0xaf),
      quoted(0xed, 0xa0, 0x80), // half of a surrogate pair
      quoted(0xf4, 0x90, 0x80, 0x80), // beyond Unicode
      quoted(0x80),
      quoted(0xc3),
      quoted(0xff, 0xfe),
      bytesOf(0xef, 0xbb, 0xbf, 0x7b, 0x7d), // a byte order mark
      bytesOf(0xff, 0xfe, 0x7b, 0x00, 0x7d, 0x00), // UTF-16
      bytesOf(0x00, 0x7b, 0x00, 0x7d),
      bytesOf(0x7b, 0x00, 0x00, 0x00, 0x7d, 0x00, 0x00, 0x00), // UTF-32
    ]) {
      assert.equal(statusOf(await read(bytes)), 400, Buffer.from(bytes).toString("hex"));
      assert.equal(statusOf(await read(bytes, { "content-type": "application/json; charset=utf-16" })), 400);
    }
  });

  it("is refused in words that repeat nothing of it, for it may hold a password", async () => {
    const answer = await read('{"password":"hunter2-secret"');
    assert.deepEqual(answer, {
      status: 400,
      detail: "JSON parse error - the body is not valid JSON",
      headers: {},
    });
  });

  it("gives a name that comes twice its last value, as the original did, however it is spelt", async () => {
    for (const text of ['{"a":1,"a":2}', '{"a":[1],"b":0,"\\u0061":2}', '{"a":9007199254740993,"a":2}']) {
      const { data } = (await read(text)) as { data: Record<string, unknown> };
      assert.equal(data.a, 2, text);
    }
  });

  it("cannot reach behind the object that it becomes", async () => {
    const answer = (await read(
      '{"__proto__":{"is_staff":true},"constructor":{"prototype":{"is_staff":true}}}',
    )) as {
      data: Record<string, unknown>;
    };
    assert.deepEqual(Object.keys(answer.data), ["__proto__", "constructor"]);
    assert.equal(answer.data.is_staff, undefined);
    assert.equal(({} as { is_staff?: unknown }).is_staff, undefined);
  });
});

describe("the size of a body", () => {
  const filled = (bytes: number) => textBytes(`"${"a".repeat(bytes - 2)}"`);

  it("is 64 KiB at the most, to the byte", async () => {
    assert.equal(bodyMaxBytes, 65_536);
    assert.deepEqual(await read(filled(bodyMaxBytes)), { kind: "str" });
    assert.deepEqual(await read(filled(bodyMaxBytes + 1)), {
      status: 413,
      detail: "Request body is too large.",
      headers: { Connection: "close" },
    });
  });

  it("is counted as it comes when nothing was announced", async () => {
    const chunks = (bytes: number) =>
      streamOf(
        ...Array.from({ length: 4 }, (_, n) =>
          filled(bytes).subarray((n * bytes) / 4, ((n + 1) * bytes) / 4),
        ),
      );
    assert.deepEqual(await read(chunks(bodyMaxBytes)), { kind: "str" });
    assert.equal(statusOf(await read(chunks(bodyMaxBytes + 4))), 413);
  });

  it("is not waited for once it is too large, though it never end", async () => {
    let pulled = 0;
    const endless = new ReadableStream({
      pull: (controller) => {
        pulled += 1;
        controller.enqueue(new Uint8Array(1024));
      },
    });
    assert.equal(statusOf(await read(endless)), 413);
    assert.ok(pulled < 80, `${pulled} KiB`);
  });

  it("is refused on its announcement alone", async () => {
    assert.equal(statusOf(await read("{}", { "content-length": "65537" })), 413);
    // What is no number is the server's to refuse; here it says nothing.
    assert.notEqual(statusOf(await read("{}", { "content-length": "x" })), 500);
  });

  it("is judged by what came, where less was announced", async () => {
    assert.equal(statusOf(await read(filled(bodyMaxBytes + 1), { "content-length": "5" })), 413);
    assert.deepEqual(await read("[]", { "content-length": "1" }), { kind: "list" });
  });

  it("may be nothing at all, whatever type was announced", async () => {
    for (const type of ["application/json", "text/plain", "", "multipart/form-data"]) {
      assert.deepEqual(await read("", { "content-type": type }), { kind: "dict", data: {} });
    }
  });
});

describe("a body that ends early", () => {
  it("is the caller's failure and no bug of ours", async () => {
    const broken = new ReadableStream({
      pull: (controller) => controller.error(new Error("aborted")),
    });
    assert.equal(statusOf(await read(broken)), 400);
  });
});

describe("a compressed body", () => {
  it("is refused and never unpacked", async () => {
    const text = Buffer.from("{}".padEnd(1_000_000));
    for (const [encoding, bytes] of [
      ...[
        ["gzip", gzipSync(text)],
        ["br", brotliCompressSync(text)],
        ["deflate", deflateSync(text)],
        ["identity", Buffer.from("{}")],
      ],
    ] as [string, Buffer][]) {
      assert.equal(
        statusOf(await read(new Uint8Array(bytes), { "content-encoding": encoding })),
        415,
        encoding,
      );
    }
    // Without the header it is only a text that is no JSON.
    assert.equal(statusOf(await read(new Uint8Array(gzipSync("{}")))), 400);
  });
});

describe("another content type", () => {
  it("is refused, since a page of another site may send some without asking", async () => {
    for (const type of [
      ...[
        "text/plain",
        "text/plain; application/json",
        "text/json",
        "application/json-patch+json",
        "application/xml",
      ],
      ...["application/jsonx", "*/*", "application/*", ";application/json", "application/octet-stream", "x"],
      ...[
        "text/plain, application/json",
        "application/json, text/plain",
        "multipart/mixed; boundary=x",
        "image/png",
      ],
    ]) {
      const answer = await read("{}", { "content-type": type });
      assert.equal("detail" in answer && answer.detail, `Unsupported media type "${type}" in request.`);
      assert.equal(statusOf(answer), 415);
    }
    const missing = new Request("http://localhost/", { method: "POST", body: textBytes("{}") });
    await assert.rejects(readBody(missing), (error: ApiError) => error.status === 415);
  });

  it("is repeated only so far", async () => {
    const answer = await read("{}", { "content-type": `text/${"x".repeat(5000)}` });
    assert.ok("detail" in answer && answer.detail.length < 300);
  });

  it("is ours in any case and with any parameter", async () => {
    for (const type of ["Application/JSON", "application/json;charset=utf-8", "application/json ; x=y"]) {
      assert.deepEqual(await read("{}", { "content-type": type }), { kind: "dict", data: {} }, type);
    }
  });
});

describe("a form", () => {
  const form = { "content-type": "application/x-www-form-urlencoded" };

  it("gives each name its last value, as a text", async () => {
    const { data } = (await read("a=1&b=x%20y+z&a=2&c&=d&%C3%A9=%C3%BC", form)) as { data: object };
    assert.deepEqual({ ...data }, { a: "2", b: "x y z", c: "", "": "d", é: "ü" });
  });

  it("has no structure that a name could build", async () => {
    const text = `a[]=1&a[b]=2&a[__proto__][x]=3&a[1000000000]=4&${"a[0]".repeat(1000)}=5&a.b=6`;
    const { data } = (await read(text, form)) as { data: Record<string, unknown> };
    assert.ok(Object.values(data).every((value) => typeof value === "string"));
    assert.deepEqual(Object.keys(data).slice(0, 4), ["a[]", "a[b]", "a[__proto__][x]", "a[1000000000]"]);
  });

  it("cannot reach behind the object that it becomes", async () => {
    const { data } = (await read("__proto__=x&constructor=y&__proto__[is_staff]=1", form)) as {
      data: object;
    };
    assert.equal(Object.getPrototypeOf(data), null);
    assert.deepEqual(Object.keys(data), ["__proto__", "constructor", "__proto__[is_staff]"]);
  });

  it("of thousands of fields is read quickly", async () => {
    assert.equal(statusOf(await read("a&".repeat(32_000), form)), "read");
  });

  it("is UTF-8 too", async () => {
    assert.equal(statusOf(await read(bytesOf(0x61, 0x3d, 0xff), form)), 400);
  });
});

describe("a multipart form", () => {
  const multipart = { "content-type": "multipart/form-data; boundary=x" };
  const part = (head: string, value = "1") =>
    `--x\r\nContent-Disposition: form-data; ${head}\r\n\r\n${value}\r\n`;
  const fieldsOf = async (text: string) => {
    const answer = await read(text, multipart);
    return "data" in answer ? Object.entries(answer.data) : statusOf(answer);
  };

  it("gives each name its last text, and no file that a field could take for one", async () => {
    const file = part('name="f"; filename="x.txt"');
    assert.deepEqual(await fieldsOf(`${part('name="a"')}${part('name="a"', "2")}${file}--x--\r\n`), [
      ["a", "2"],
      ["f", uploadedFile],
    ]);
  });

  it("cannot reach behind the object that it becomes", async () => {
    const text = `${part('name="__proto__"')}${part('name="constructor"')}${part('name="__proto__[x]"')}--x--\r\n`;
    assert.deepEqual(await fieldsOf(text), [
      ["__proto__", "1"],
      ["constructor", "1"],
      ["__proto__[x]", "1"],
    ]);
    assert.equal(({} as { x?: unknown }).x, undefined);
  });

  it("is read or refused, whatever is wrong with it", async () => {
    const good = part('name="a"');
    for (const text of [
      ...[
        "x",
        "--x",
        "--x--",
        "--x\r\n",
        good,
        `${good}--y--\r\n`,
        `--x\r\n\r\n1\r\n--x--\r\n`,
        "\r\n".repeat(100),
      ],
      ...[
        part("name"),
        part('name="'),
        part("name*=utf-8''a"),
        part("name=\"a\"; filename*=utf-8''%ff"),
        part('NAME="\0"'),
      ],
      ...[
        `--x\r\nContent-Disposition: attachment; name="a"\r\n\r\n1\r\n--x--\r\n`,
        `--x\r\nX: ${"y".repeat(60_000)}\r\n\r\n`,
      ],
      ...[
        `${good.replaceAll("\r\n", "\n")}--x--\n`,
        `--x\r\n${"A: b\r\n".repeat(9000)}\r\n1\r\n--x--\r\n`,
        good.repeat(900),
      ],
    ]) {
      const answer = await fieldsOf(text);
      assert.ok(answer === 400 || Array.isArray(answer), JSON.stringify(text.slice(0, 60)));
    }
    for (const type of [
      "multipart/form-data",
      "multipart/form-data; boundary=",
      'multipart/form-data; boundary="',
      "multipart/form-data; boundary=é",
    ]) {
      assert.equal(statusOf(await read(`${good}--x--\r\n`, { "content-type": type })), 400, type);
    }
  });
});
