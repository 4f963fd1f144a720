import { anyone } from "../../core/access/access.ts";
import { userSchema } from "../../core/accounts/fields.ts";
import { presentUser } from "../../core/accounts/present.ts";
import { endpoint } from "../../core/feature.ts";
import { guessesByEmail } from "../../core/limits/guesses.ts";
import { perAddress } from "../../core/limits/limits.ts";
import { enqueueMail } from "../../core/mail/outbox.ts";
import { signInGuesses } from "../../core/passwords/guesses.ts";
import { oldPasswordMaxLength } from "../../core/passwords/passwords.ts";
import { findKnownDevices, knownDevices } from "../../core/sign-in/device.ts";
import { CredentialsInvalid, EmailNotVerified } from "../../core/sign-in/gates.ts";
import { minutes } from "../../platform/duration.ts";
import { email, password } from "../../platform/http/fields.ts";
import { form } from "../../platform/http/form.ts";
import { login } from "./flow.ts";
import { accountLockedMail } from "./mail.ts";

export const loginEndpoint = endpoint({
  method: "post",
  path: "/api/auth/login/",
  summary: "Sign in with e-mail and password",
  access: anyone,
  limit: [
    perAddress("login", (config) => config.limits.login, { ...knownDevices, most: 10, within: minutes(1) }),
    guessesByEmail(signInGuesses, "email", {
      knownDevices: findKnownDevices,
      whenUsedUp: (ctx, address) => enqueueMail(ctx, accountLockedMail, address, {}),
    }),
  ],
  body: form({ email: email(), password: password(oldPasswordMaxLength) }),
  reply: (system) => ({
    type: "object",
    properties: {
      refresh: { type: "string" },
      access: { type: "string" },
      user: userSchema(system.additions.fields),
    },
    required: ["refresh", "access", "user"],
  }),
  errors: [CredentialsInvalid, EmailNotVerified],
  handle: async (ctx, { body }) => {
    const { account, tokens } = await login(ctx, body.email, body.password);
    return { refresh: tokens.refresh, access: tokens.access, user: presentUser(ctx, account, "stored") };
  },
});
