/** Holds the password policy to what Django's four validators were recorded to say, and to our own additions. */

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { passwordProblems } from "./policy.ts";

const appName = "ImagAIne Auth";
const gwendolyn = {
  email: "new@example.com",
  username: "newuser",
  firstName: "Gwendolyn",
  lastName: "Abernathy",
};
const alice = { email: "alice@example.com", username: "alice", firstName: "Alice", lastName: "Liddell" };
const short = "This password is too short. It must contain at least 8 characters.";
const common = "This password is too common.";
const numeric = "This password is entirely numeric.";

function problems(
  password: string,
  about: Parameters<typeof passwordProblems>[1]["about"] = {},
  minLength = 8,
) {
  return passwordProblems(password, { minLength, appName, about }).map((problem) => problem.en);
}

describe("what Django's validators were recorded to say", () => {
  const recorded: [password: string, about: typeof alice, sentences: string[]][] = [
    ["xK9$", gwendolyn, [short]],
    ["xK9$qwz", gwendolyn, [short]],
    ["password123", gwendolyn, [common]],
    ["qwerty", gwendolyn, [short, common]],
    ["PASSWORD123", gwendolyn, [common]],
    ["12345678", gwendolyn, [common, numeric]],
    ["Gwendolyn1", gwendolyn, ["The password is too similar to the first name."]],
    ["a", gwendolyn, [short, common]],
    ["😀😀😀😀😀😀😀", gwendolyn, [short]],
    ["password", alice, [common]],
    ["83610472951", alice, [numeric]],
    ["alice123", alice, ["The password is too similar to the username.", common]],
    ["alice@example.com", alice, ["The password is too similar to the email."]],
    ["Str0ngPass!alice", alice, []],
    ["Str0ngPass!new", gwendolyn, []],
  ];
  for (const [password, about, sentences] of recorded) {
    it(`is said of ${password}: ${sentences.join(" ") || "nothing"}`, () => {
      assert.deepEqual(problems(password, about), sentences);
    });
  }

  it("names the last name as Django does", () => {
    assert.deepEqual(problems("Abernathy#7", gwendolyn), ["The password is too similar to the last name."]);
  });

  it("comes in one order, all that applies", () => {
    assert.deepEqual(problems("1234", { username: "1234", email: "1234@example.com" }), [
      "The password is too similar to the username.",
      short,
      common,
      numeric,
    ]);
  });
});

describe("a password is too short", () => {
  it("by its code points after NFKC, whatever they take in memory", () => {
    assert.deepEqual(problems("𐍈".repeat(7)), [short]);
    assert.deepEqual(problems("😀".repeat(7)), [short]);
    assert.deepEqual(problems("😀".repeat(8)), []);
    assert.deepEqual(problems("e\u0301".repeat(7)), [short]);
    assert.deepEqual(problems("e\u0301".repeat(8)), []);
    assert.deepEqual(problems("ﬃﬃﬃ"), []);
  });

  it("below the minimum that was set, said with its number", () => {
    assert.deepEqual(problems("xK9$qwzxK9$qwz", {}, 15), [short.replace("8", "15")]);
    assert.deepEqual(problems("xK9$qwzxK9$qwzz", {}, 15), []);
    assert.deepEqual(problems("", {}, 1), [
      "This password is too short. It must contain at least 1 character.",
    ]);
  });
});

describe("a password is too common", () => {
  it("when it is the name of the application with a decoration", () => {
    for (const password of [
      ...["imagaineauth", "ImagAIne Auth", "imagaine-auth", "ImagAIneAuth2024!", "123-imagaine_auth-456"],
      ...["!!ImagAIneAuth!!", "imagaineauthimagaineauth", "ｉｍａｇａｉｎｅａｕｔｈ１"],
    ]) {
      assert.deepEqual(problems(password), [common], password);
    }
  });

  it("not when more than a decoration stands around the name", () => {
    for (const password of ["imagaineauthors", "my imagaine auth", "imagine-author-7", "1234!9876-2"]) {
      assert.deepEqual(problems(password), [], password);
    }
  });

  it("not for a name of one or two letters, or none", () => {
    for (const appName of ["", "X", "!!", "Go"]) {
      const rules = { minLength: 8, appName, about: {} };
      assert.deepEqual(passwordProblems("x-83!61047295", rules), [], appName);
      assert.deepEqual(passwordProblems("go-83!61047295", rules), [], appName);
    }
    const named = { minLength: 8, appName: "名前帳", about: {} };
    assert.deepEqual(
      passwordProblems("名前帳-2024!", named).map((problem) => problem.en),
      [common],
    );
  });
});

describe("a password of digits alone", () => {
  it("is refused in any script and width", () => {
    for (const password of ["83610472951", "８３６１０４７２９５１", "٨٣٦١٠٤٧٢٩٥١"]) {
      assert.deepEqual(problems(password), [numeric], password);
    }
    assert.deepEqual(problems("8361 0472 951"), []);
  });
});

describe("a password needs no mixture of characters", () => {
  it("as long as it is long and nobody's first guess", () => {
    for (const password of [
      ...["correct horse battery staple", "securepassword123", "newsecurepassword123", "Fresh!Pass99"],
      ...["zqxwvutsrponmlkjihgf", "верная лошадь скоба", "'\";--<>/*{}", "a".repeat(64), "名".repeat(64)],
    ]) {
      assert.deepEqual(problems(password, alice), [], password);
    }
  });
});

describe("every sentence", () => {
  it("is said in Portuguese too", () => {
    const rules = { minLength: 8, appName, about: alice };
    const said = ["alice123", "1234567", "alice@example.com"].flatMap((password) =>
      passwordProblems(password, rules),
    );
    assert.deepEqual(
      said.map((problem) => problem["pt-BR"]),
      [
        "A senha se parece demais com o nome de usuário.",
        "Esta senha é comum demais.",
        "Esta senha é curta demais. Use pelo menos 8 caracteres.",
        "Esta senha é comum demais.",
        "Esta senha só tem números.",
        "A senha se parece demais com o e-mail.",
      ],
    );
    assert.deepEqual(
      passwordProblems("", { ...rules, minLength: 1 })[0]?.["pt-BR"],
      "Esta senha é curta demais. Use pelo menos 1 caractere.",
    );
  });
});
