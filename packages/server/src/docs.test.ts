/** Holds the documents to the code: what is generated is fresh, what is named exists, what is shown type-checks. */

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { sourceFiles } from "../scripts/reference/source.ts";
import { describeProduct, referenceFolder } from "../scripts/write-reference.ts";
import { settings } from "./config.ts";
import { listSettings } from "./platform/settings.ts";

const root = join(import.meta.dirname, "../../..");
const documents = globSync(["*.md", "docs/**/*.md", "packages/*/README.md"], { cwd: root }).toSorted();
const read = (path: string) => readFileSync(join(root, path), "utf8");

interface Fence {
  readonly document: string;
  /** All that stands behind the three ticks: `ts check`. */
  readonly label: string;
  readonly text: string;
}

/** Fences may stand indented, in the steps of a list. */
const fencePattern = /^(?<indent> *)```(?<label>\S.*)\n(?<text>[^]*?)^\k<indent>```$/gm;

const fences: readonly Fence[] = documents.flatMap((document) =>
  [...read(document).matchAll(fencePattern)].map(({ groups = {} }) => ({
    document,
    label: groups.label ?? "",
    text: (groups.text ?? "").replaceAll(new RegExp(`^${groups.indent ?? ""}`, "gm"), ""),
  })),
);

describe("the reference", () => {
  it("says what the code says", async () => {
    for (const [name, text] of await describeProduct()) {
      const path = join(referenceFolder, name);
      assert.equal(
        existsSync(path) ? readFileSync(path, "utf8") : "",
        text,
        `docs/reference/${name} is stale: run node packages/server/scripts/write-reference.ts`,
      );
    }
  });

  it("has every error code that the code knows, and no other", () => {
    const declared =
      /defineError\(\s*\d{3},\s*"(\w+)"|defineFormError\(\s*"(\w+)"|RequestRefused\(\s*\d{3},\s*"(\w+)"|static readonly code = "(\w+)"/g;
    const known = sourceFiles().flatMap((path) =>
      [...readFileSync(join(import.meta.dirname, path), "utf8").matchAll(declared)].map((found) =>
        String(found.slice(1).find(Boolean)),
      ),
    );
    const documented = [...read("docs/reference/errors.md").matchAll(/^\| `(\w+)` \|/gm)].map((found) =>
      String(found[1]),
    );
    assert.deepEqual(documented.toSorted(), [...new Set(known)].toSorted());
  });
});

describe("the documents", () => {
  it("link to nothing that is not there", () => {
    const broken = documents.flatMap((document) =>
      [...read(document).matchAll(/\]\((?!https?:|mailto:)(?<to>[^)\s]+)\)/g)]
        .map(({ groups }) => groups?.to ?? "")
        .filter((to) => !leadsSomewhere(document, to))
        .map((to) => `${document}: ${to}`),
    );
    assert.deepEqual(broken, []);
  });

  it("name no setting that does not exist", () => {
    const known = new Set(
      listSettings(settings).flatMap((one) => (one.mayBeFile ? [one.name, `${one.name}_FILE`] : [one.name])),
    );
    // What is written in capitals and is no setting of ours.
    for (const other of [
      ...["NAME_FILE", "TEST_DATABASE_URL", "NO_COLOR", "LICENSE", "SECURITY", "CHANGELOG"],
      // Django's, which a warning names too.
      ...["EMAIL_SSL_CERTFILE", "EMAIL_SSL_KEYFILE"],
    ])
      known.add(other);
    const unknown = documents.flatMap((document) =>
      [...read(document).matchAll(/`(?<name>[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+)(?:=[^`]*)?`/g)]
        .map(({ groups }) => groups?.name ?? "")
        .filter((name) => !known.has(name))
        .map((name) => `${document}: ${name}`),
    );
    assert.deepEqual(unknown, []);
  });

  it("name no file of the code that neither exists nor is shown right there", () => {
    const shown = new Set(fences.map(({ document, label }) => `${document}: ${label.split(" file=")[1]}`));
    const missing = documents.flatMap((document) =>
      [
        ...read(document).matchAll(
          /`(?<path>(?:core|features|platform|cli|testing|packages|tests|bench)\/[\w./-]+)`/g,
        ),
      ]
        .map(({ groups }) => groups?.path ?? "")
        .filter((path) => !existsSync(join(import.meta.dirname, path)) && !existsSync(join(root, path)))
        .map((path) => `${document}: ${path}`)
        .filter((one) => !shown.has(one)),
    );
    assert.deepEqual(missing, []);
  });

  it("are each found from docs/README.md, once, but for the decisions, which have one way in", () => {
    const pages = documents.filter((path) => /^docs\/(?!README|decisions\/(?!0001))/.test(path));
    const linked = [...read("docs/README.md").matchAll(/\]\((?<to>[^):#]+)\)/g)].map(({ groups }) =>
      join("docs", groups?.to ?? ""),
    );
    assert.deepEqual(linked.filter((path) => path.startsWith("docs/")).toSorted(), pages);
  });

  it("verify addresses and sign people in, in these words alone, as do our pages and mails", () => {
    const otherWords = /\b(?:confirm(?:s|ed|ing|ation)?|log(?:s|ged|ging)? (?:in|out)|unsaid)\b/i;
    // The original's sentence, and one that follows it.
    const kept = /Email verified successfully\. You can now log in\.|Successfully logged out\./g;
    // Paths, names of fields and examples are code.
    const prose = documents.map(
      (path) =>
        [
          path,
          read(path)
            .replaceAll(fencePattern, "")
            .replaceAll(/`[^`]*`/g, ""),
        ] as const,
    );
    // No word of the Portuguese sentences beside them is one of these.
    const sentences = sourceFiles()
      .filter((path) => path.endsWith("texts.ts"))
      .map(
        (path) => [path, readFileSync(join(import.meta.dirname, path), "utf8").replaceAll(kept, "")] as const,
      );
    assert.ok(prose.length > 40 && sentences.length > 5);
    const wrong = [...prose, ...sentences].flatMap(([path, text]) =>
      text
        .split("\n")
        .filter((line) => otherWords.test(line) && !line.startsWith("### "))
        .map((line) => `${path}: ${line.trim()}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("name no npm script that does not exist", () => {
    const { scripts } = JSON.parse(read("package.json")) as { scripts: Readonly<Record<string, string>> };
    const unknown = documents.flatMap((document) =>
      [...read(document).matchAll(/\bnpm (?:run (?<script>[\w:-]+)|(?<short>test|start)\b)/g)]
        .map(({ groups }) => groups?.script ?? groups?.short ?? "")
        .filter((script) => !Object.hasOwn(scripts, script))
        .map((script) => `${document}: ${script}`),
    );
    assert.deepEqual(unknown, []);
  });

  it("show TypeScript that type-checks, where they say so", async () => {
    const snippets = fences.filter(({ label }) => label.startsWith("ts check"));
    assert.ok(snippets.length > 0);
    // One that is wrong goes along, so that a check which checks nothing is noticed.
    const text = 'import { createAuth } from "imagaine-auth";\nawait createAuth({ konfig: 1 });';
    const complaints = await typeCheck([...snippets, { document: "wrong", label: "ts check", text }]);
    assert.ok(complaints.some((line) => /wrong\.ts.*konfig/.test(line)));
    assert.deepEqual(
      complaints.filter((line) => !line.includes("wrong.ts")),
      [],
    );
  });
});

describe("the decisions", () => {
  const decisions = globSync("docs/decisions/[0-9]*.md", { cwd: root }).toSorted();

  it("are numbered without a gap", () => {
    const numbers = decisions.map((path) => Number(/(\d{4})-[a-z0-9-]+\.md$/.exec(path)?.[1]));
    assert.deepEqual(
      numbers,
      numbers.map((_, index) => index + 1),
    );
  });

  for (const decision of decisions) {
    it(`say why, what follows, and what would change our mind: ${decision}`, () => {
      const headings = [...read(decision).matchAll(/^## (.+)$/gm)].map((found) => found[1]);
      assert.deepEqual(headings, [
        "Context",
        "Decision",
        "Consequences",
        "What would make us change our mind",
      ]);
      assert.ok(read(decision).split("\n").length <= 60, "an ADR fits on one screen");
    });
  }
});

function leadsSomewhere(document: string, to: string): boolean {
  const [path = "", anchor] = to.split("#");
  const target = path === "" ? document : join(dirname(document), path);
  if (!existsSync(join(root, target))) return false;
  if (anchor === undefined || !target.endsWith(".md")) return true;
  const headings = [...read(target).matchAll(/^#+ (.+)$/gm)].map((found) => toAnchor(found[1] ?? ""));
  return headings.includes(anchor);
}

/** As GitHub makes it of a heading. */
function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}

/** What the compiler has to say of the snippets, each a module of its own. */
async function typeCheck(snippets: readonly Fence[]): Promise<string[]> {
  const folder = mkdtempSync(join(tmpdir(), "imagaine-auth-snippets-"));
  try {
    for (const [index, { document, label, text }] of snippets.entries()) {
      // What is to be a file of ours is shown with that file's imports.
      const place = / file=(?<path>features\/\S+)/.exec(label)?.groups?.path;
      const path = join(folder, place ?? `${index}-${document.replaceAll(/[^a-z0-9]+/gi, "-")}.ts`);
      mkdirSync(dirname(path), { recursive: true });
      const whole = place ? text.replaceAll('"../../', `"${import.meta.dirname}/`) : text;
      writeFileSync(path, `${whole}\nexport {};\n`);
    }
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"), "junction");
    const paths = { "imagaine-auth": [join(import.meta.dirname, "index.ts")] };
    const options = { paths, types: ["node"], noUnusedLocals: false };
    const extended = join(root, "tsconfig.json");
    const config = { extends: extended, compilerOptions: options, include: ["**/*.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    // Snippets await at their top level, as modules may.
    writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
    await promisify(execFile)(process.execPath, [
      join(root, "node_modules/typescript/bin/tsc"),
      "-p",
      folder,
    ]);
    return [];
  } catch (error) {
    const said = String((error as { stdout?: string }).stdout ?? error);
    return said.split("\n").filter((line) => /^\S/.test(line));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
