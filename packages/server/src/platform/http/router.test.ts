import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { RequestContext } from "./endpoint.ts";
import { defineError, FieldsInvalid, RequestRefused, Throttled, Unavailable } from "./errors.ts";
import { text } from "./fields.ts";
import { form } from "./form.ts";
import { countingLimit, createProbe, openToAll, probe } from "./probe.testing.ts";

class NoCredentials extends defineError(401, "not_authenticated", { en: "Who are you?", "pt-BR": "Quem?" }) {}
class ActionRefused extends defineError(409, "refused", { en: "No.", "pt-BR": "Não." }) {}

const page = (path: `/${string}`) => ({
  path,
  access: async () => undefined,
  limit: [],
  show: async () => ({ text: "<p>", status: 200, contentSecurityPolicy: "default-src 'none'" }),
});

describe("a call", () => {
  /** Refuses at every step that `fails` names, and notes how far it got. */
  function createSteps(fails: ReadonlySet<string>) {
    const steps: string[] = [];
    const step = (name: string, error: Error) => {
      steps.push(name);
      if (fails.has(name)) throw error;
    };
    const endpoint = probe({
      method: "post",
      path: "/api/steps/",
      access: { ...openToAll, check: async () => step("credentials", new NoCredentials()) },
      // Declared in the other order on purpose.
      limit: [
        countingLimit({ field: "name" }, async (_ctx, { body }) => {
          step("account limit", new Throttled(2000));
          assert.deepEqual(body, { name: "ada" });
          return undefined;
        }),
        countingLimit("address", async (_ctx, { body }) => {
          step("address limit", new Throttled(1000));
          assert.deepEqual(body, {}, "a limit by address sees nothing of the body");
          return undefined;
        }),
      ],
      body: form(
        { name: text({ maxLength: 5 }) },
        {
          cross: () => {
            steps.push("cross");
            return fails.has("cross") ? { name: [{ en: "Cross.", "pt-BR": "Cruzado." }] } : undefined;
          },
        },
      ),
      handle: async () => {
        step("action", new ActionRefused());
        return { done: true };
      },
    });
    return { steps, ...createProbe([endpoint]) };
  }

  const order = [
    "route",
    "method",
    "credentials",
    "address limit",
    "body",
    "fields",
    "cross",
    "account limit",
    "action",
  ];
  const statuses = [404, 405, 401, 429, 400, 400, 400, 429, 409, 200];

  it("is judged by route, method, credentials, address, body, fields, cross, account, action, in this order", async () => {
    for (const [first, expected] of statuses.entries()) {
      // Everything from here on is wrong at once; only the first of it may be told.
      const fails = new Set(order.slice(first));
      const { call, steps } = createSteps(fails);
      const path = fails.has("route") ? "/api/other/" : "/api/steps/";
      const method = fails.has("method") ? "PUT" : "POST";
      const body = fails.has("body") ? "{" : { name: fails.has("fields") ? "too long" : "ada" };
      const answer = await call(method, path, { body });
      assert.equal(answer.status, expected, order[first] ?? "all is well");
      const own = ["credentials", "address limit", "cross", "account limit", "action"];
      assert.deepEqual(
        steps,
        own.filter((step) => order.indexOf(step) <= first),
      );
    }
  });

  it("tells which refusal it was", async () => {
    const answerTo = async (...fails: string[]) =>
      (await createSteps(new Set(fails)).call("POST", "/api/steps/", { body: { name: "ada" } })).body;
    assert.deepEqual(await answerTo("cross"), { name: ["Cross."] });
    assert.deepEqual(await answerTo("address limit", "account limit"), {
      detail: "Request was throttled. Expected available in 1 second.",
    });
    assert.deepEqual(await answerTo("account limit", "action"), {
      detail: "Request was throttled. Expected available in 2 seconds.",
    });
    assert.deepEqual(await answerTo("action"), { detail: "No." });
  });

  it("is counted by address once its body is read where that may spare it, and says so", async () => {
    const counted: unknown[] = [];
    const limit = countingLimit("address", async (_ctx, { body }) => {
      counted.push(body);
      throw new Throttled(1000);
    });
    const isClaimed = (ctx: RequestContext) => ctx.request.headers.has("claim");
    const endpoint = probe({
      limit: [{ ...limit, spares: { field: "name", isClaimed } }],
      body: form({ name: text() }),
    });
    const { call } = createProbe([endpoint]);
    const statusOf = async (body: unknown, headers = {}) =>
      (await call("POST", endpoint.path, { body, headers })).status;
    assert.equal(await statusOf({ name: "ada" }), 429);
    assert.equal(await statusOf("{"), 429);
    assert.deepEqual(counted, [{}, {}]);
    assert.equal(await statusOf({ name: "ada" }, { claim: "yes" }), 429);
    assert.equal(await statusOf("{", { claim: "yes" }), 400);
    assert.deepEqual(counted.slice(2), [{ name: "ada" }]);
  });

  it("tells its limits how it ended: a wrong guess is what was refused, unless the refusal says otherwise", async () => {
    class NotLookedAt extends ActionRefused {
      override isWrongGuess = false;
    }
    const told: [string, boolean][] = [];
    const watched = (path: `/${string}`, handle: () => Promise<unknown>) => {
      const tell = async (isWrongGuess: boolean) => void told.push([path, isWrongGuess]);
      return probe({ path, limit: [countingLimit("address", async () => tell)], handle });
    };
    const { call } = createProbe([
      watched("/api/good/", async () => ({})),
      watched("/api/bad/", () => Promise.reject(new ActionRefused())),
      watched("/api/busy/", () => Promise.reject(new NotLookedAt())),
      watched("/api/bug/", () => Promise.reject(new Error("a bug"))),
    ]);
    for (const path of ["/api/good/", "/api/bad/", "/api/busy/", "/api/bug/"]) await call("POST", path);
    assert.deepEqual(told, [
      ["/api/good/", false],
      ["/api/bad/", true],
      ["/api/busy/", false],
      ["/api/bug/", true],
    ]);
  });

  it("gives back what a limit had counted when the next one refuses it", async () => {
    const told: boolean[] = [];
    const tell = async (isWrongGuess: boolean) => void told.push(isWrongGuess);
    const full = countingLimit("address", () => Promise.reject(new Throttled(1000)));
    const { call } = createProbe([probe({ limit: [countingLimit("address", async () => tell), full] })]);
    assert.equal((await call("POST", "/api/probe/")).status, 429);
    assert.deepEqual(told, [false]);
  });

  it("with a body that nobody asked for is answered without a look at it", async () => {
    const { call } = createProbe([probe()]);
    assert.equal(
      (await call("POST", "/api/probe/", { body: "{", headers: { "content-type": "text/plain" } })).status,
      200,
    );
  });
});

describe("a path", () => {
  const { call } = createProbe(
    [
      probe({ method: "get", path: "/api/auth/verify/:token/" }),
      probe({ path: "/api/auth/login/", alsoAt: ["/api/login/"] }),
      probe({ method: "get", path: "/_/admin/people/" }),
      probe({ method: "get", path: "/.well-known/keys.json" }),
    ],
    { pages: [page("/")] },
  );

  it("is answered alike with and without its final slash, and at its older spellings", async () => {
    for (const path of ["/api/auth/login/", "/api/auth/login", "/api/login/", "/api/login"]) {
      assert.equal((await call("POST", path)).status, 200, path);
    }
    assert.equal((await call("GET", "/.well-known/keys.json/")).status, 404);
    assert.equal((await call("GET", "/")).status, 200);
  });

  it("hands its parts over decoded, and its query beside them", async () => {
    assert.deepEqual((await call("GET", "/api/auth/verify/a%20b%C3%A9/?x=1&x=2")).body, {
      ...{ params: { token: "a bé" }, query: { x: "2" } },
      body: {},
    });
  });

  it("means the same endpoint however its letters are written, and so the same limits", async () => {
    for (const path of [
      "/api/auth/%6cogin/",
      "/%61pi/auth/login",
      "/api/auth/./login/",
      "/api/x/../auth/login/",
      "/api/auth/%2e/login/",
    ]) {
      assert.equal((await call("POST", path)).status, 200, path);
    }
  });

  it("that is only nearly one of ours is none (path confusion)", async () => {
    for (const path of [
      ...[
        "/api/auth/public/..%2fadmin",
        "/api/auth/..%2f..%2f_/admin/people/",
        "/_/admin%2fpeople/",
        "/_%2Fadmin/people/",
      ],
      ...[
        "//_/admin/people/",
        "/_//admin/people/",
        "/_/admin//people/",
        "/_/admin/people//",
        "/_/ADMIN/people/",
        "/_/admin/People/",
      ],
      ...[
        "/_/admin/people;.css",
        "/_/admin;x=y/people/",
        "/_/admin/people/;",
        "/_/admin/people.json",
        "/_/admin/people/.css",
      ],
      ...[
        "/_/admin/people%00",
        "/_/admin/people%00/",
        "/_/admin%00/people/",
        "/_/admin/people%0a",
        "/_/admin/people/%20",
        "/_/admin/people%7f",
      ],
      ...[
        "/_/admin%5cpeople/",
        "/_/admin/%252e%252e/people/",
        "/_/%2561dmin/people/",
        "/_/admin/people%23",
        "/_/admin/people%3fx",
      ],
      ...[
        "/_/admin/people/%",
        "/_/admin/people/%zz",
        "/_/admin/%c0%afpeople/",
        "/_/admin/people%c0%80",
        "/%",
        "/%e0%a4%a",
      ],
      ...[
        "/_/admin/people/%ef%bc%8f",
        "/_／admin/people/",
        "/api/auth/login/x",
        "/api/auth/",
        "/api/auth/login/..;/",
      ],
      ...[
        "/api/auth/login%09",
        "/api/auth/login%2e",
        "/__proto__/",
        "/constructor",
        "/api/auth/verify//",
        "/api/auth/verify/a/b/",
      ],
      ...[
        "/api/auth/verify/a%2fb/",
        "/api/auth/verify/a%5cb/",
        "/api/auth/verify/a%00/",
        "/api/auth/verify/%25/",
        "/*",
        "/:token",
      ],
    ]) {
      for (const method of ["GET", "POST"]) {
        const answer = await call(method, path);
        assert.equal(answer.status, 404, `${method} ${path}`);
        assert.deepEqual(answer.body, { detail: "Not found." });
      }
    }
  });

  it("to a file is none of ours", async () => {
    for (const path of [
      "/../../etc/passwd",
      "/.env",
      "/.git/config",
      "/package.json",
      "/node_modules/",
      "/index.js.map",
      "/data/auth.db",
    ]) {
      assert.equal((await call("GET", path)).status, 404, path);
    }
  });

  it("turns a backslash into a slash as every browser does, and is judged by that", async () => {
    assert.equal((await call("POST", "/api\\auth\\login/")).status, 200);
    assert.equal((await call("GET", "/_\\admin\\peopleX")).status, 404);
  });
});

describe("a method", () => {
  const { call } = createProbe([
    probe({ method: "get", path: "/api/thing/" }),
    probe({ method: "put", path: "/api/thing/" }),
    probe({ method: "post", path: "/api/other/" }),
  ]);

  it("that the path has not is refused with the ones it has", async () => {
    for (const method of ["POST", "DELETE", "PATCH", "PROPFIND", "BREW", "Get", "patch", "X-CUSTOM"]) {
      const answer = await call(method, "/api/thing/");
      const sent = new Request("http://x", { method }).method;
      if (sent === "GET") continue;
      assert.equal(answer.status, 405, method);
      assert.deepEqual(answer.body, { detail: `Method "${sent}" not allowed.` });
      assert.equal(answer.headers.get("allow"), "GET, PUT, HEAD, OPTIONS");
    }
    assert.equal((await call("GET", "/api/other/")).headers.get("allow"), "POST, OPTIONS");
  });

  it("is the one of the request line, whatever a header, a query or a field says", async () => {
    const headers = { "x-http-method-override": "PUT", "x-method-override": "PUT", "x-http-method": "PUT" };
    assert.equal(
      (await call("POST", "/api/thing/?_method=PUT", { body: { _method: "PUT" }, headers })).status,
      405,
    );
  });

  it("HEAD gives what GET gives, without its body", async () => {
    const [head, get] = [await call("HEAD", "/api/thing/"), await call("GET", "/api/thing/")];
    assert.deepEqual([head.status, head.text], [200, ""]);
    for (const [name, value] of get.headers) {
      if (name !== "x-request-id") assert.equal(head.headers.get(name), value, name);
    }
    const missing = await call("HEAD", "/api/nothing/");
    assert.deepEqual([missing.status, missing.text], [404, ""]);
    assert.equal((await call("HEAD", "/api/other/")).status, 405);
  });

  it("OPTIONS says what there is and does nothing", async () => {
    const answer = await call("OPTIONS", "/api/thing/");
    assert.deepEqual(
      [answer.status, answer.text, answer.headers.get("allow")],
      [204, "", "GET, PUT, HEAD, OPTIONS"],
    );
    assert.equal((await call("OPTIONS", "/api/nothing/")).status, 404);
  });
});

describe("two answers to one call", () => {
  it("are refused at the start, in whatever spelling they meet", () => {
    const meetings: [Parameters<typeof createProbe>, RegExp][] = [
      [[[probe(), probe()]], /Two answers to POST \/api\/probe\//],
      [
        [[probe(), probe({ path: "/api/other/", alsoAt: ["/api/probe/"] })]],
        /Two answers to POST \/api\/probe\//,
      ],
      [[[probe({ method: "get" })], { pages: [page("/api/probe/")] }], /Two answers to GET \/api\/probe\//],
      [
        [[probe(), probe({ method: "get", path: "/api/probe" })]],
        /Two spellings of one path: \/api\/probe\/ and \/api\/probe/,
      ],
      [
        [[probe({ path: "/api/:id/" }), probe({ method: "get", path: "/api/:name/" })]],
        /Two spellings of one path/,
      ],
    ];
    for (const [of, sentence] of meetings) assert.throws(() => createProbe(...of), sentence);
  });

  it("are none where the methods differ, or where this system has only one of them", async () => {
    createProbe([probe(), probe({ method: "get" })]);
    const { call } = createProbe([probe(), probe({ onlyIf: () => false, status: 201 })]);
    assert.equal((await call("POST", "/api/probe/")).status, 200);
  });

  it("give way to the fixed path over the one with a parameter when it comes first", async () => {
    const { call } = createProbe([
      probe({ path: "/api/verify/resend/", handle: async () => ({ is: "resend" }) }),
      probe({ path: "/api/verify/:token/", handle: async () => ({ is: "token" }) }),
    ]);
    assert.deepEqual((await call("POST", "/api/verify/resend/")).body, { is: "resend" });
    assert.deepEqual((await call("POST", "/api/verify/x/")).body, { is: "token" });
  });
});

describe("what is thrown", () => {
  it("and no caller may see answers 500 in general words, and the log has the rest", async () => {
    const bug = new Error("no such table: accounts at /srv/secret.ts", { cause: new Error("hunter2") });
    for (const thrown of [
      bug,
      "a text",
      undefined,
      null,
      { status: 200 },
      Object.assign(new Error("x"), { status: 418 }),
    ]) {
      const { call, finished } = createProbe([probe({ handle: () => Promise.reject(thrown) })]);
      const answer = await call("POST", "/api/probe/");
      assert.equal(answer.status, 500);
      assert.equal(answer.text, '{"detail":"A server error occurred."}');
      assert.equal(answer.headers.get("x-request-id"), finished[0]?.request.id);
      assert.equal(finished.length, 1);
      assert.equal(finished[0]?.status, 500);
      assert.equal(finished[0]?.bug, thrown);
    }
  });

  it("in the caller's language, and as a problem with the request's id", async () => {
    const { call } = createProbe([probe({ handle: () => Promise.reject(new Error("x")) })]);
    const { body, headers } = await call("POST", "/api/probe/", {
      headers: { "accept-language": "pt-BR", accept: "application/problem+json" },
    });
    assert.deepEqual(
      [body.detail, body.status, body.ref],
      ["Ocorreu um erro no servidor.", 500, headers.get("x-request-id")],
    );
  });

  it("by a database too busy answers 503 with a time to come back, and is logged with its cause", async () => {
    const busy = new Error("database is locked");
    const { call, finished } = createProbe([probe({ handle: () => Promise.reject(busy) })], {
      translate: (error) => (error === busy ? new Unavailable({ cause: error }) : undefined),
    });
    const answer = await call("POST", "/api/probe/");
    assert.deepEqual([answer.status, answer.headers.get("retry-after")], [503, "1"]);
    assert.deepEqual(answer.body, { detail: "The service is busy. Please try again." });
    assert.equal(finished[0]?.bug, busy);
  });

  it("for a caller to see is no bug", async () => {
    const errors = [
      new ActionRefused(),
      new FieldsInvalid({}),
      new RequestRefused(410, "gone", { en: "x", "pt-BR": "x" }),
    ];
    for (const error of errors) {
      const { call, finished } = createProbe([probe({ handle: () => Promise.reject(error) })]);
      assert.equal((await call("POST", "/api/probe/")).status, error.status);
      assert.equal(finished[0]?.bug, undefined);
    }
  });
});

describe("every answer", () => {
  it("carries what keeps a browser from making something else of it", async () => {
    const { call } = createProbe([probe()], { strictTransport: "max-age=31536000" });
    for (const [method, path] of [
      ["POST", "/api/probe/"],
      ["GET", "/api/probe/"],
      ["GET", "/x"],
      ["OPTIONS", "/api/probe/"],
    ] as const) {
      const { headers } = await call(method, path);
      for (const [name, value] of [
        ...[
          ["x-content-type-options", "nosniff"],
          ["x-frame-options", "DENY"],
          ["referrer-policy", "no-referrer"],
        ],
        ...[
          ["cache-control", "no-store"],
          ["content-security-policy", "default-src 'none'; frame-ancestors 'none'"],
        ],
        ...[
          ["cross-origin-resource-policy", "same-origin"],
          ["strict-transport-security", "max-age=31536000"],
        ],
      ] as [string, string][]) {
        assert.equal(headers.get(name), value, `${method} ${path} ${name}`);
      }
      for (const banner of ["server", "x-powered-by", "via"]) assert.equal(headers.get(banner), null);
      assert.match(headers.get("x-request-id") ?? "", /^request-\d+$/);
    }
  });

  it("asks for https only where people come over https", async () => {
    assert.equal(
      (await createProbe([probe()]).call("POST", "/api/probe/")).headers.get("strict-transport-security"),
      null,
    );
  });

  it("carries what was said on the way, refusals included", async () => {
    const { call } = createProbe([
      probe({
        handle: (ctx) => {
          ctx.request.answerHeaders.append("Device-Token", "d1");
          return Promise.reject(new ActionRefused({ headers: { "Retry-After": "5" } }));
        },
      }),
    ]);
    const { headers } = await call("POST", "/api/probe/");
    assert.deepEqual([headers.get("device-token"), headers.get("retry-after")], ["d1", "5"]);
  });
});
