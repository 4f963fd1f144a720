/** People for tests: registered, verified and signed in through the front door, as real ones are. */

import assert from "node:assert/strict";
import type { Answer, CallOptions, Http } from "./http.ts";

export interface NewPerson {
  readonly email?: string;
  readonly username?: string;
  readonly password?: string;
  /** Whether the address is verified; it is, unless said otherwise. */
  readonly verified?: boolean;
  /** Further fields to register with. */
  readonly fields?: Readonly<Record<string, unknown>>;
}

export interface Person {
  readonly email: string;
  readonly username: string;
  readonly password: string;
  /** Tries to sign in. */
  readonly login: (password?: string, options?: CallOptions) => Promise<Answer>;
  /** Signs in, and gives the tokens. */
  readonly signIn: (options?: CallOptions) => Promise<{ access: string; refresh: string; device: string }>;
}

interface World {
  readonly http: Http;
  readonly linkToken: (mail: string, to: string) => Promise<string>;
}

export function createPeople({ http, linkToken }: World): (about?: NewPerson) => Promise<Person> {
  let count = 0;
  return async (about = {}) => {
    count += 1;
    const username = about.username ?? `person${count}`;
    const email = about.email ?? `${username}@example.org`;
    const password = about.password ?? `Blue-Harbour-${count}71`;
    const registered = await http.post("/api/auth/register/", {
      ...{ email, username, password, password2: password, first_name: "", last_name: "" },
      ...about.fields,
    });
    assert.equal(registered.status, 201, registered.text);
    if (about.verified ?? true) {
      const verified = await http.post(`/api/auth/verify-email/${await linkToken("verify-email", email)}/`);
      assert.equal(verified.status, 200, verified.text);
    }
    const login: Person["login"] = (given = password, options) =>
      http.post("/api/auth/login/", { email, password: given }, options);
    const signIn: Person["signIn"] = async (options) => {
      const answer = await login(password, options);
      assert.equal(answer.status, 200, answer.text);
      return { ...answer.body, device: answer.headers.get("device-token") ?? "" };
    };
    return { email, username, password, login, signIn };
  };
}
