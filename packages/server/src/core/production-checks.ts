/** What must be put right before strangers may come: every problem at once, with its reason and its fix. */

import { type Config, settings } from "../config.ts";
import { findSecretWeakness } from "./keys/weak-secrets.ts";

export interface ProductionProblem {
  /** What is wrong: "PUBLIC_URL is http://auth.example.com". */
  readonly problem: string;
  /** What would come of it. */
  readonly because: string;
  /** Lines that put it right; one of them is enough. */
  readonly fixes: readonly string[];
}

const defaultSender = settings.mail.from.fallback?.address;
/** No `$(…)`: whoever copies this into `.env` would have those very characters as the key. */
const secretFix = "SECRET_KEY=… (npx imagaine-auth secret prints one)";

/** Everything for which a server must not start in production. Asks nothing of the mode it runs in now. */
export function findProductionProblems(config: Config): ProductionProblem[] {
  return [
    ...checkAddresses(config),
    ...checkSecrets(config),
    ...checkMail(config),
    ...findMailPasswordProblems(config),
    ...checkHashing(config),
    ...(config.rateLimits ? [] : [limitsAreOff]),
  ];
}

/** Why a mail server must not be spoken to in production; empty too where ALLOW_INSECURE lets it pass. */
export function findMailPasswordProblems(config: Config): ProductionProblem[] {
  return config.allowInsecure.includes("mail") ? [] : checkMailPassword(config);
}

/** What ALLOW_INSECURE lets pass in production: only worth a warning then. */
export function findAllowedProblems(config: Config): ProductionProblem[] {
  return config.allowInsecure.includes("mail") ? checkMailPassword(config) : [];
}

/** What is only worth a warning while developing: a secret that was given, and is weak. */
export function findDevelopmentWarnings(config: Config): ProductionProblem[] {
  return config.secretKey === "" ? [] : checkSecrets(config);
}

const limitsAreOff: ProductionProblem = {
  problem: "RATE_LIMITS is off",
  because: "passwords could be guessed without end",
  fixes: ["RATE_LIMITS=on"],
};

function checkAddresses({
  publicUrl,
  isPublicUrlSaid,
  frontendUrl,
  verifyEmailUrl,
  resetPasswordUrl,
}: Config): ProductionProblem[] {
  const found: ProductionProblem[] = [];
  if (!isPublicUrlSaid) {
    found.push({
      problem: "PUBLIC_URL is missing",
      because: "links in mail begin with it, and a request must never say where they lead",
      fixes: ["PUBLIC_URL=https://auth.example.com"],
    });
  } else if (isClearText(publicUrl)) {
    found.push({
      problem: `PUBLIC_URL is ${publicUrl}`,
      because: "passwords and tokens would travel in clear text",
      fixes: [`PUBLIC_URL=${publicUrl.replace("http:", "https:")} (TLS may end at your proxy)`],
    });
  }
  const mailed = [
    ["FRONTEND_URL", frontendUrl],
    ["VERIFY_EMAIL_URL", verifyEmailUrl],
    ["RESET_PASSWORD_URL", resetPasswordUrl],
  ] as const;
  for (const [name, address] of mailed) {
    if (!address || !isClearText(address)) continue;
    found.push({
      problem: `${name} is ${address}`,
      because: "the links in mail would be opened in clear text",
      fixes: [`${name}=${address.replace("http:", "https:")}`],
    });
  }
  return found;
}

/** Clear text is safe on the machine itself alone. */
const isLoopback = (host: string) =>
  /^(?:localhost|.+\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i.test(host);

function isClearText(address: string): boolean {
  const { protocol, hostname } = new URL(address);
  return protocol === "http:" && !isLoopback(hostname);
}

function checkSecrets({ secretKey, secretKeyFallbacks }: Config): ProductionProblem[] {
  const because = "whoever knows or guesses it can sign in as anybody";
  const weakness = secretKey === "" ? "is missing" : findSecretWeakness(secretKey);
  const found: ProductionProblem[] = [];
  if (weakness) found.push({ problem: `SECRET_KEY ${weakness}`, because, fixes: [secretFix] });
  for (const [index, fallback] of secretKeyFallbacks.entries()) {
    // An earlier secret still verifies tokens, so a weak one is as good as the key.
    const its = findSecretWeakness(fallback);
    if (!its) continue;
    const place = `SECRET_KEY_FALLBACKS, value ${index + 1},`;
    found.push({
      problem: `${place} ${its}`,
      because,
      fixes: ["leave it out of SECRET_KEY_FALLBACKS: what it signed or encrypted is lost"],
    });
  }
  return found;
}

/** OWASP, "Password Storage": argon2id with at least one of these; less memory wants more passes. */
const leastCosts = [
  { memoryKib: 47_104, passes: 1 },
  { memoryKib: 19_456, passes: 2 },
  { memoryKib: 12_288, passes: 3 },
  { memoryKib: 9_216, passes: 4 },
  { memoryKib: 7_168, passes: 5 },
];

function checkHashing({ passwords: { argon2 } }: Config): ProductionProblem[] {
  const { memoryKib, passes, parallelism } = argon2;
  if (leastCosts.some((least) => memoryKib >= least.memoryKib && passes >= least.passes)) return [];
  return [
    {
      problem: `ARGON2 is ${memoryKib},${passes},${parallelism}`,
      because: "whoever steals the database could guess its passwords at leisure",
      fixes: [`ARGON2=${settings.passwords.argon2.fallbackText}`],
    },
  ];
}

function checkMail({ mail }: Config): ProductionProblem[] {
  const found: ProductionProblem[] = [];
  if (mail.backend === "missing" || (mail.backend === "smtp" && !mail.host)) {
    found.push({
      problem: "no mail server is named",
      because: "people could not verify an address or reset a password",
      fixes: [
        "EMAIL_HOST=smtp.example.com (and EMAIL_PORT, EMAIL_HOST_USER, EMAIL_HOST_PASSWORD)",
        "EMAIL_BACKEND=off (switches those features off, on purpose)",
      ],
    });
  }
  if (mail.backend === "capture" || mail.backend === "both") {
    found.push({
      problem: `EMAIL_BACKEND is ${mail.backend}`,
      because: "the built-in mailbox would keep every link and code for its readers",
      fixes: ["EMAIL_BACKEND=smtp", "EMAIL_BACKEND=off"],
    });
  }
  if (mail.backend !== "off" && mail.from?.address === defaultSender) {
    found.push({
      problem: `DEFAULT_FROM_EMAIL is still ${defaultSender}`,
      because: "mail servers refuse a sender of that name, or call it spam",
      fixes: ['DEFAULT_FROM_EMAIL="Example <noreply@example.com>"'],
    });
  }
  return found;
}

/** What is sent to the mail server without TLS, anybody on the way reads: the password, and every link. */
function checkMailPassword({ mail }: Config): ProductionProblem[] {
  const isSent = mail.backend === "smtp" && mail.user !== undefined && mail.host !== undefined;
  if (!isSent || mail.useTls || mail.useSsl || isLoopback(mail.host)) return [];
  return [
    {
      problem: "EMAIL_HOST_USER is set without TLS",
      because: "its password would travel to the mail server in clear text",
      fixes: [
        "EMAIL_USE_TLS=on (STARTTLS, usually on port 587)",
        "EMAIL_USE_SSL=on (TLS from the first byte, usually on port 465)",
        "ALLOW_INSECURE=mail (only for a network that nobody else can read)",
      ],
    },
  ];
}
