/**
 * Holds the code to its architecture (docs/explanation/architecture.md): who may import whom, and what only one place
 * may do. A failure names the file, what it reaches for, and the rule.
 */

import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, it } from "node:test";

interface Import {
  readonly from: string;
  /** One of our files, or the package as it is named: `hono`, `node:fs`. */
  readonly to: string;
  readonly isRelative: boolean;
  /** What is imported by name; `*` for everything. */
  readonly names: readonly string[];
  /** Whether it is there when the program runs. */
  readonly isValue: boolean;
}

interface Code {
  /** By path: inside packages/server/src from there, others from the root of the repository. */
  readonly files: ReadonlyMap<string, string>;
  readonly imports: readonly Import[];
}

interface Rule {
  readonly says: string;
  readonly findBreaches: (code: Code) => string[];
  /** A small program that breaks the rule, and how the breach is named: so that no rule is asleep. */
  readonly proof: { readonly files: Readonly<Record<string, string>>; readonly breach: string };
}

/** Breaches that stay, each with its reason; one that is no breach any more is itself a failure. */
const exceptions: Readonly<Record<string, string>> = {
  "core/keys/ring.ts: generateKeyPair":
    "node:crypto makes key pairs from its own randomness and takes no other",
};

const layers: readonly { readonly name: string; readonly holds: RegExp }[] = [
  { name: "platform", holds: /^platform\// },
  { name: "core", holds: /^(?:core\/|config\.ts$)/ },
  { name: "features", holds: /^features\// },
  { name: "composition root", holds: /^(?:auth|features|requests|version)\.ts$/ },
  { name: "serve", holds: /^(?:serve|background)\.ts$/ },
  { name: "outside", holds: /^(?:index\.ts$|cli\/|testing\/)/ },
];

const homes: Readonly<Record<string, RegExp>> = {
  hono: /^platform\/http\//,
  "@hono/node-server": /^platform\/http\//,
  kysely: /^platform\/database\//,
  pg: /^platform\/database\//,
  "node:sqlite": /^platform\/database\//,
  jose: /^core\/(?:keys|tokens)\//,
  nodemailer: /^core\/mail\/transports\//,
  "@node-rs/argon2": /^core\/passwords\//,
  bcryptjs: /^core\/passwords\//,
  commander: /^cli\//,
};

/** Kysely's builders reach queries through the context; the template for SQL is the one value they need. */
const kyselyEverywhere = new Set(["sql"]);

const isTest = (path: string) => /\.test(?:ing)?\.ts$/.test(path) || /^(?:tests|bench|examples)\//.test(path);
const isScript = (path: string) => path.startsWith("packages/");
/** What runs in production: no test, no script, none of the harness. */
const isProduct = (path: string) => !isTest(path) && !isScript(path) && !path.startsWith("testing/");
const layerOf = (path: string) => layers.findIndex(({ holds }) => holds.test(path));
const featureOf = (path: string) => /^features\/([^/]+)\//.exec(path)?.[1];
const isOurs = (path: string) => path.endsWith(".ts");
const packageOf = (name: string) =>
  name.startsWith("node:") ? name : name.split("/", name.startsWith("@") ? 2 : 1).join("/");
const arrow = ({ from, to }: Import) => `${from} -> ${to}`;

/** Everything of product code that a pattern finds, comments aside. */
function findInProduct(code: Code, pattern: RegExp, isAllowed: (path: string) => boolean): string[] {
  return [...code.files]
    .filter(([path]) => isProduct(path) && !isAllowed(path))
    .flatMap(([path, text]) =>
      [...withoutComments(text).matchAll(pattern)].map(([found]) => `${path}: ${found.replace(/\($/, "")}`),
    );
}

const rules: readonly Rule[] = [
  {
    says: "every file has a place in the picture",
    findBreaches: ({ files }) =>
      [...files.keys()].filter((path) => !isTest(path) && !isScript(path) && layerOf(path) < 0),
    proof: { files: { "helpers.ts": "" }, breach: "helpers.ts" },
  },
  {
    says: "imports point down: outside, serve, composition root, features, core, platform",
    findBreaches: ({ imports }) =>
      imports
        .filter(({ from, to }) => isProduct(from) && isOurs(to) && layerOf(from) < layerOf(to))
        .map(arrow),
    proof: {
      files: {
        "platform/log.ts": 'import type { Context } from "../core/context.ts";',
        "core/context.ts": "",
      },
      breach: "platform/log.ts -> core/context.ts",
    },
  },
  {
    says: "nothing uses the command line, the harness or the public API from elsewhere",
    findBreaches: ({ imports }) =>
      imports
        .filter(({ from, to }) => isProduct(from) && /^(?:cli|testing)\/|^index\.ts$/.test(to))
        .filter(({ from, to }) => from.split("/")[0] !== to.split("/")[0])
        .map(arrow),
    proof: {
      files: {
        "cli/user.ts": 'import { testAuth } from "../testing/test-auth.ts";',
        "testing/test-auth.ts": "",
      },
      breach: "cli/user.ts -> testing/test-auth.ts",
    },
  },
  {
    says: "a feature reaches another through its flow.ts alone",
    findBreaches: ({ imports }) =>
      imports
        .filter(({ from, to }) => isProduct(from) && featureOf(from) && featureOf(to))
        .filter(({ from, to }) => featureOf(from) !== featureOf(to) && !to.endsWith("/flow.ts"))
        .map(arrow),
    proof: {
      files: {
        "features/login/flow.ts": 'import { resetPurpose } from "../password-reset/mail.ts";',
        "features/password-reset/mail.ts": "",
      },
      breach: "features/login/flow.ts -> features/password-reset/mail.ts",
    },
  },
  {
    says: "no cycles of values",
    findBreaches: findCycles,
    proof: {
      files: {
        "core/a.ts": 'import { b } from "./b.ts";',
        "core/b.ts": 'import type { C } from "./c.ts";\nimport { type C, c } from "./c.ts";',
        "core/c.ts": 'import { a } from "./a.ts";',
      },
      breach: "core/a.ts -> core/b.ts -> core/c.ts -> core/a.ts",
    },
  },
  {
    says: "a third-party package is named in one folder only",
    findBreaches: ({ imports }) =>
      imports.filter((one) => isProduct(one.from) && isFarFromHome(one)).map(arrow),
    proof: {
      files: {
        "features/login/flow.ts": 'import { Kysely } from "kysely";\nimport { jwtVerify } from "jose";',
      },
      breach: "features/login/flow.ts -> jose",
    },
  },
  {
    says: "only platform/clock.ts reads the time (the command line may, for what it shows)",
    findBreaches: (code) =>
      findInProduct(
        code,
        /\bDate\.now\b|\bnew Date\(\)|\bperformance\.now\b|\bhrtime\b/g,
        (path) => path === "platform/clock.ts" || path.startsWith("cli/"),
      ),
    proof: {
      files: { "core/sessions/sessions.ts": "const now = Date.now();" },
      breach: "core/sessions/sessions.ts: Date.now",
    },
  },
  {
    says: "only platform/random.ts makes randomness",
    findBreaches: (code) => [
      ...findInProduct(
        code,
        /\bMath\.random\b|\bcrypto\.(?:random\w+|getRandomValues)\b/g,
        (path) => path === "platform/random.ts",
      ),
      ...code.imports
        .filter(({ from, to }) => isProduct(from) && from !== "platform/random.ts" && to === "node:crypto")
        .flatMap(({ from, names }) =>
          names.filter((name) => /^(?:random|generate|\*)/.test(name)).map((name) => `${from}: ${name}`),
        ),
    ],
    proof: {
      files: { "core/mail/outbox.ts": 'import { createHash, randomUUID } from "node:crypto";' },
      breach: "core/mail/outbox.ts: randomUUID",
    },
  },
  {
    says: "the environment is read by the command line alone",
    findBreaches: (code) => findInProduct(code, /\bprocess\.env\b/g, (path) => path.startsWith("cli/")),
    proof: {
      files: { "config.ts": "const mode = process.env.NODE_ENV;" },
      breach: "config.ts: process.env",
    },
  },
  {
    says: "an account gets another password by core/passwords/replace.ts alone, which ends what the old one opened",
    // Else it is only hashed anew (sign-in), or nobody has signed in yet (registration).
    findBreaches: (code) =>
      findInProduct(code, /\bpassword_hash: /g, (path) =>
        /^(?:core\/(?:accounts\/|passwords\/replace|sign-in\/sign-in)|features\/registration\/flow)/.test(
          path,
        ),
      ),
    proof: {
      files: { "features/profile/flow.ts": "set({ password_hash: hash })" },
      breach: "features/profile/flow.ts: password_hash: ",
    },
  },
  {
    says: "sessions are opened by core/sign-in alone",
    findBreaches: ({ imports }) =>
      imports
        .filter(({ from, to }) => isProduct(from) && to === "core/sessions/sessions.ts")
        .filter(({ names }) => names.includes("openSession") || names.includes("*"))
        .filter(({ from }) => !from.startsWith("core/sign-in/"))
        .map(arrow),
    proof: {
      files: {
        "features/login/flow.ts":
          'import { type Session, openSession } from "../../core/sessions/sessions.ts";',
        "core/sessions/sessions.ts": "",
      },
      breach: "features/login/flow.ts -> core/sessions/sessions.ts",
    },
  },
  {
    says: "child processes are for tests and scripts, for opening a browser and asking whose the terminal is",
    findBreaches: ({ imports }) =>
      imports
        .filter(({ from, to }) => isProduct(from) && to === "node:child_process")
        .filter(({ from }) => !/^cli\/(?:browser|keyboard)\.ts$/.test(from))
        .map(arrow),
    proof: {
      files: { "core/mail/sendmail.ts": 'import { spawn } from "node:child_process";' },
      breach: "core/mail/sendmail.ts -> node:child_process",
    },
  },
  {
    says: "no text becomes code, and none becomes SQL outside platform/database",
    findBreaches: (code) => [
      ...findInProduct(code, /(?<![.\w])eval\(|\bnew Function\(|["']node:vm["']/g, () => false),
      ...findInProduct(code, /\bsql\.raw\(/g, (path) => path.startsWith("platform/database/")),
    ],
    proof: {
      files: { "core/limits/limits.ts": "const by = sql.raw(column);" },
      breach: "core/limits/limits.ts: sql.raw",
    },
  },
  {
    says: "nothing is exported by default",
    findBreaches: ({ files }) =>
      [...files].filter(([, text]) => /^export default\b|\bas default\b/m.test(text)).map(([path]) => path),
    proof: { files: { "tests/readme/x.test.ts": "export default 1;" }, breach: "tests/readme/x.test.ts" },
  },
  {
    says: "imports of our own files end in .ts",
    findBreaches: ({ imports }) =>
      imports.filter(({ isRelative, to }) => isRelative && !/\.(?:ts|json)$/.test(to)).map(arrow),
    proof: {
      files: { "core/a.ts": 'import { b } from "./b";' },
      breach: "core/a.ts -> core/b",
    },
  },
  {
    says: "a file has 400 lines at the most, a test 600",
    findBreaches: ({ files }) =>
      [...files]
        .map(([path, text]) => ({ path, lines: text.split("\n").length - 1, most: isTest(path) ? 600 : 400 }))
        .filter(({ lines, most }) => lines > most)
        .map(({ path, lines }) => `${path}: ${lines} lines`),
    proof: {
      files: { "core/accounts/users.ts": "\n".repeat(401) },
      breach: "core/accounts/users.ts: 401 lines",
    },
  },
];

function isFarFromHome({ from, to, names, isValue }: Import): boolean {
  if (isOurs(to)) return false;
  const name = packageOf(to);
  const home = homes[name];
  if (!home) return !name.startsWith("node:");
  if (home.test(from)) return false;
  return name !== "kysely" || (isValue && !names.every((one) => kyselyEverywhere.has(one)));
}

/** Each cycle once, from its first file in the alphabet. */
function findCycles({ imports }: Code): string[] {
  const next = Map.groupBy(
    imports.filter(({ from, to, isValue }) => isValue && isOurs(to) && isProduct(from)),
    ({ from }) => from,
  );
  const cycles = new Set<string>();
  const done = new Set<string>();
  const visit = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      const ring = trail.slice(start);
      const first = ring.indexOf(ring.toSorted()[0] ?? "");
      const turned = [...ring.slice(first), ...ring.slice(0, first)];
      cycles.add([...turned, turned[0]].join(" -> "));
    } else if (!done.has(path)) {
      for (const { to } of next.get(path) ?? []) visit(to, [...trail, path]);
      done.add(path);
    }
  };
  for (const path of next.keys()) visit(path, []);
  return [...cycles];
}

const importPattern =
  /^(?:import|export)\s+(?<typeOnly>type\s+)?(?<what>[^;"']*?)\s*from\s*["'](?<from>[^"']+)["']|^import\s+["'](?<bare>[^"']+)["']|\bimport\(\s*["'](?<later>[^"']+)["']\s*\)/gm;

function readImports(path: string, text: string): Import[] {
  return [...withoutComments(text).matchAll(importPattern)].map(({ groups = {} }) => {
    const named = groups.from ?? groups.bare ?? groups.later ?? "";
    const what = groups.what ?? "";
    const isEverything = groups.later !== undefined || what.includes("*");
    const members = /\{(?<list>[^}]*)\}/s.exec(what)?.groups?.list?.split(",") ?? [];
    const names = members.map((member) => member.trim().split(/\s+as\s+/)[0] ?? "").filter(Boolean);
    return {
      from: path,
      to: named.startsWith(".") ? join(dirname(path), named) : named,
      isRelative: named.startsWith("."),
      names: isEverything ? ["*"] : names.map((name) => name.replace(/^type\s+/, "")),
      // `import { type A }` leaves an empty import behind, which loads the file all the same.
      isValue: groups.typeOnly === undefined,
    };
  });
}

/** The text without its comments; what looks like one inside quotes, such as a pattern of paths, stays. */
function withoutComments(text: string): string {
  const quotedOrComment = /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*')|\/\*[^]*?\*\/|(?<!:)\/\/.*/g;
  return text.replace(quotedOrComment, (_found, quoted: string | undefined) => quoted ?? "");
}

function toCode(files: ReadonlyMap<string, string>): Code {
  return { files, imports: [...files].flatMap(([path, text]) => readImports(path, text)) };
}

function readRepository(): Code {
  const source = import.meta.dirname;
  const root = join(source, "../../..");
  const patterns = ["packages/*/{src,scripts}/**/*.ts", "tests/**/*.ts", "bench/**/*.ts", "examples/**/*.ts"];
  const paths = globSync(patterns, { cwd: root, exclude: (name) => name === "node_modules" });
  const files = paths.toSorted().map((path): [string, string] => {
    const full = join(root, path);
    const inside = relative(source, full);
    return [inside.startsWith("..") ? path : inside, readFileSync(full, "utf8")];
  });
  return toCode(new Map(files));
}

describe("the architecture", () => {
  const code = readRepository();
  const met = new Set<string>();

  for (const rule of rules) {
    it(`holds: ${rule.says}`, () => {
      const breaches = [...new Set(rule.findBreaches(code))];
      for (const breach of breaches) met.add(breach);
      const unexcused = breaches.filter((breach) => !Object.hasOwn(exceptions, breach));
      assert.equal(unexcused.length, 0, `${rule.says}\n  ${unexcused.join("\n  ")}`);
    });

    it(`would be told of a breach: ${rule.says}`, () => {
      const breaches = rule.findBreaches(toCode(new Map(Object.entries(rule.proof.files))));
      assert.ok(breaches.includes(rule.proof.breach), `found ${JSON.stringify(breaches)}`);
    });
  }

  it("needs every exception that is listed", () => {
    const needless = Object.keys(exceptions).filter((one) => !met.has(one));
    assert.deepEqual(needless, []);
  });
});
