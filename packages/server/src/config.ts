/** Every setting: its name, its value when unset, and what it means. There are no others. */

import * as own from "./core/setting-readers.ts";
import { seconds } from "./platform/duration.ts";
import * as read from "./platform/readers.ts";
import {
  cleanValue,
  type Environment,
  everydaySetting,
  fileSetting,
  type Problem,
  type Resolved,
  readSettings,
  secretSetting,
  setting,
} from "./platform/settings.ts";

export const settings = {
  mode: setting(
    "NODE_ENV",
    read.oneOf("development", "test", "production"),
    "development",
    "production refuses to start while something is unsafe; development has conveniences instead.",
  ),
  publicUrl: setting(
    "PUBLIC_URL",
    read.webAddress,
    undefined,
    "Where people reach this server. Links in mail begin with it. In development: http://localhost:PORT.",
  ),
  frontendUrl: setting(
    "FRONTEND_URL",
    read.webAddress,
    undefined,
    "Where your own front end lives, if it has the pages /verify-email/TOKEN/ and /reset-password/TOKEN/; links in mail then begin with it.",
  ),
  verifyEmailUrl: setting(
    "VERIFY_EMAIL_URL",
    own.linkTemplate,
    undefined,
    "Where the link of a verification mail leads, with {token} where its token stands; for a front end whose page has another path than FRONTEND_URL/verify-email/TOKEN/.",
  ),
  resetPasswordUrl: setting(
    "RESET_PASSWORD_URL",
    own.linkTemplate,
    undefined,
    "The same for the link of a reset mail, in place of FRONTEND_URL/reset-password/TOKEN/.",
  ),
  appName: everydaySetting(
    "APP_NAME",
    read.text,
    "ImagAIne",
    "What your product is called in mail and on pages.",
  ),
  language: setting(
    "LANGUAGE_CODE",
    own.languageCode,
    "en",
    "The language of whoever asks for none we speak.",
  ),
  host: setting("HOST", read.text, "127.0.0.1", "The address to listen on."),
  port: setting(
    "PORT",
    read.wholeNumber(0, 65535),
    "8000",
    "The port to listen on; 0 lets the system choose.",
  ),
  shutdownDelay: setting(
    "SHUTDOWN_DELAY",
    own.shutdownDelay,
    undefined,
    "How long calls are still taken after a signal to stop, while /_/ready/ says so: what sends calls needs that long to see it. Unset: 5s in production, else 0s.",
  ),
  trustedProxies: setting(
    "TRUSTED_PROXIES",
    read.addressBlocks,
    "",
    "Proxies that may say, in X-Forwarded-For, whom they speak for.",
  ),
  corsAllowedOrigins: setting(
    "CORS_ALLOWED_ORIGINS",
    read.origins,
    "",
    "Pages and applications that may call the API from another origin, beside FRONTEND_URL's: https://app.example.com, capacitor://localhost.",
  ),
  hstsIncludesSubdomains: setting(
    "SECURE_HSTS_INCLUDE_SUBDOMAINS",
    read.switchedOn,
    "off",
    "Whether browsers that saw this server over https come to its subdomains, too, over https alone (RFC 6797).",
  ),
  dataDirectory: setting(
    "DATA_DIR",
    read.text,
    "./data",
    "Where the database and, in development, the secret key are kept.",
  ),
  database: {
    url: fileSetting(
      "DATABASE_URL",
      read.text,
      "sqlite:PATH, or postgres://USER:PASSWORD@HOST/NAME. Unset: sqlite:DATA_DIR/auth.db.",
    ),
    pool: setting("DATABASE_POOL", read.wholeNumber(1, 200), "10", "Connections to PostgreSQL at the most."),
  },
  secretKey: secretSetting(
    "SECRET_KEY",
    read.text,
    "Signs tokens and encrypts what is stored; 32 bytes or more. Losing it ends every session.",
  ),
  secretKeyFallbacks: secretSetting(
    "SECRET_KEY_FALLBACKS",
    read.words,
    "Earlier values of SECRET_KEY, comma-separated: they still verify and decrypt.",
  ),
  mail: {
    backend: setting(
      "EMAIL_BACKEND",
      read.oneOf("smtp", "capture", "both", "off"),
      undefined,
      "smtp sends; capture keeps mail in the built-in mailbox; both does both; off sends nothing. Unset: smtp where EMAIL_HOST is set, else capture in development.",
    ),
    host: setting("EMAIL_HOST", read.text, undefined, "The mail server."),
    port: setting(
      "EMAIL_PORT",
      read.wholeNumber(1, 65535),
      undefined,
      "Its port. Unset: 587 with EMAIL_USE_TLS, 465 with EMAIL_USE_SSL, else 25.",
    ),
    useTls: setting("EMAIL_USE_TLS", read.switchedOn, "off", "STARTTLS, which is then demanded (RFC 3207)."),
    useSsl: setting("EMAIL_USE_SSL", read.switchedOn, "off", "TLS from the first byte (RFC 8314)."),
    caFile: setting(
      "EMAIL_CA_FILE",
      read.certificateFile,
      undefined,
      "A PEM file with the certificate of your own authority, or of the mail server itself, trusted beside the usual ones.",
    ),
    timeout: setting(
      "EMAIL_TIMEOUT",
      read.wholeNumber(1, 300),
      "10",
      "Seconds that the mail server may take until it has greeted, and again to sign us in. A whole mail may take 60, or as long as this.",
    ),
    user: setting("EMAIL_HOST_USER", read.text, undefined, "User name at the mail server."),
    password: secretSetting("EMAIL_HOST_PASSWORD", read.text, "Password at the mail server."),
    from: setting(
      "DEFAULT_FROM_EMAIL",
      own.mailbox,
      "noreply@localhost",
      "The sender: an address, or Name <address>.",
    ),
    replyTo: setting("EMAIL_REPLY_TO", own.mailbox, undefined, "Where answers to our mail go."),
    mailboxKey: secretSetting(
      "MAILBOX_KEY",
      own.longText,
      "Opens the development mailbox to whoever gives it, from another machine or behind a proxy. Unset: to this machine alone.",
    ),
    welcome: setting(
      "WELCOME_EMAIL",
      read.switchedOn,
      "off",
      "Whether an account is welcomed by mail once its address is verified.",
    ),
  },
  tokens: {
    algorithm: setting(
      "JWT_ALGORITHM",
      read.oneOf("HS256", "ES256", "EdDSA", "RS256"),
      "HS256",
      "Signs access tokens: HS256 with SECRET_KEY; the others with keys made here and published at /.well-known/jwks.json.",
    ),
    issuer: setting("JWT_ISSUER", read.text, undefined, "The claim iss. Unset: PUBLIC_URL."),
    audience: setting("JWT_AUDIENCE", read.text, undefined, "The claim aud. Unset: none."),
    claims: setting(
      "TOKEN_CLAIMS",
      read.words,
      "",
      "Declared user fields that access tokens carry too; whoever holds a token can read them.",
    ),
    accessTtl: setting(
      "ACCESS_TOKEN_LIFETIME",
      read.duration("1m", "24h"),
      "15m",
      "How long an access token works.",
    ),
    refreshTtl: setting(
      "REFRESH_TOKEN_LIFETIME",
      read.duration("5m", "365d"),
      "7d",
      "How long a session lasts without being used.",
    ),
    sessionTtl: setting(
      "SESSION_LIFETIME",
      read.duration("5m", "365d"),
      "30d",
      "How long a session lasts at the most.",
    ),
    sessionsPerAccount: setting(
      "SESSIONS_PER_ACCOUNT",
      read.wholeNumber(1, 1000),
      "100",
      "Places that one account may be signed in at; one more ends another: first those never used since they signed in, then those not used for longest.",
    ),
    reuse: setting(
      "REFRESH_TOKEN_REUSE",
      read.oneOf("revoke", "converge"),
      "revoke",
      "What an old refresh token does: end the session, or (for clients that keep one token per tab) give the current one for a day.",
    ),
  },
  verificationTtl: setting(
    "EMAIL_VERIFICATION_TTL",
    read.duration("5m", "30d"),
    "24h",
    "How long a verification link works.",
  ),
  resetTtl: setting("PASSWORD_RESET_TTL", read.duration("5m", "24h"), "60m", "How long a reset link works."),
  passwords: {
    minLength: setting(
      "PASSWORD_MIN_LENGTH",
      read.wholeNumber(8, 64),
      "8",
      "Characters a new password needs at least; NIST SP 800-63B asks for 15 where it is the only factor.",
    ),
    argon2: setting(
      "ARGON2",
      own.argon2,
      "19456,2,1",
      "Cost of hashing: memory in KiB, passes, lanes; in production no less than OWASP asks for. Older hashes are upgraded at the next sign-in.",
    ),
  },
  revealAccounts: setting(
    "REVEAL_ACCOUNTS",
    read.switchedOn,
    "off",
    "Whether registering a known address says so, as the original did; a stranger can then test addresses.",
  ),
  auditRetention: setting(
    "AUDIT_RETENTION",
    read.duration("1d", "3650d"),
    "365d",
    "How long the audit trail keeps what happened.",
  ),
  allowInsecure: setting(
    "ALLOW_INSECURE",
    read.someOf("mail"),
    "",
    "What production does although it is unsafe, comma-separated. mail: the password of the mail server travels without TLS.",
  ),
  rateLimits: setting(
    "RATE_LIMITS",
    read.switchedOn,
    "on",
    "For tests and benchmarks only: off is refused in production.",
  ),
  limits: {
    login: setting(
      "RATE_LIMIT_LOGIN",
      read.rate,
      "30/1m",
      "Sign-ins that one address (of IPv6, a /64) may try; raise it where many people share an address. Of IPv6 a /56 has four times as many and a /48 sixteen times, here and below.",
    ),
    register: setting("RATE_LIMIT_REGISTER", read.rate, "20/1h", "Registrations from one address."),
    mail: setting(
      "RATE_LIMIT_EMAIL",
      read.rate,
      "20/1h",
      "Reset links that may be asked for from one address; as many verification links.",
    ),
  },
  logLevel: everydaySetting(
    "LOG_LEVEL",
    own.logLevel,
    "info",
    "The least that is logged; in any case, warning too.",
  ),
} as const;

type Read = Resolved<typeof settings>;

/** The settings as the code uses them: what depends on another setting is worked out, and a secret is there. */
export interface Config
  extends Omit<
    Read,
    "publicUrl" | "shutdownDelay" | "secretKey" | "secretKeyFallbacks" | "database" | "mail" | "tokens"
  > {
  readonly publicUrl: string;
  /** Whether PUBLIC_URL was said, not worked out. */
  readonly isPublicUrlSaid: boolean;
  /** Milliseconds. */
  readonly shutdownDelay: number;
  readonly secretKey: string;
  readonly secretKeyFallbacks: readonly string[];
  readonly database: { readonly url: string; readonly pool: number };
  readonly mail: Omit<Read["mail"], "backend" | "port"> & {
    readonly backend: "smtp" | "capture" | "both" | "off" | "missing";
    readonly port: number;
  };
  readonly tokens: Omit<Read["tokens"], "issuer"> & { readonly issuer: string };
}

export interface LoadedConfig {
  readonly config: Config;
  /** What cannot be read, or not together: nothing may start with it. */
  readonly problems: Problem[];
  /** What is passed over, or read in another way than somebody might expect. */
  readonly warnings: Problem[];
}

/**
 * Reads the settings from an environment. `own` are the names in it that no other program reads: a misspelt one among
 * them is a problem, however likely another program's.
 */
export function loadConfig(environment: Environment, own?: ReadonlySet<string>): LoadedConfig {
  const { values, problems, warnings } = readSettings(settings, environment, own);
  const isRefreshTtlSaid = cleanValue(environment[settings.tokens.refreshTtl.name]) !== "";
  return {
    config: complete(values, isRefreshTtlSaid),
    problems: [...problems, ...findContradictions(values, isRefreshTtlSaid)],
    warnings: [...warnings, ...findUnsupported(environment)],
  };
}

const noClientCertificate =
  "is not supported, and not read: no certificate of ours is shown to the mail server. For the authority that signed the server's, EMAIL_CA_FILE; to sign in there, EMAIL_HOST_USER and EMAIL_HOST_PASSWORD";

/** Settings of Django's mail that ask for what is not there. A warning: they may be meant for a Django beside us. */
const unsupported: Readonly<Record<string, string>> = {
  EMAIL_SSL_CERTFILE: noClientCertificate,
  EMAIL_SSL_KEYFILE: noClientCertificate,
};

/** Names that are set, and that nothing reads though somebody may rely on it. */
function findUnsupported(environment: Environment): Problem[] {
  return Object.entries(unsupported)
    .filter(([name]) => environment[name])
    .map(([name, message]) => ({ name, message }));
}

function findContradictions({ mail, tokens }: Read, isRefreshTtlSaid: boolean): Problem[] {
  const { useSsl, useTls } = settings.mail;
  const { refreshTtl, sessionTtl } = settings.tokens;
  const found: Problem[] = [];
  if (mail.useTls && mail.useSsl) {
    found.push({ name: useTls.name, message: `and ${useSsl.name} exclude each other: turn one of them off` });
  }
  if (isRefreshTtlSaid && tokens.refreshTtl > tokens.sessionTtl) {
    found.push({ name: refreshTtl.name, message: `cannot be longer than ${sessionTtl.name}` });
  }
  return found;
}

function complete(values: Read, isRefreshTtlSaid: boolean): Config {
  const publicUrl = values.publicUrl ?? `http://localhost:${values.port}`;
  const { mail, tokens, database } = values;
  return {
    ...values,
    publicUrl,
    isPublicUrlSaid: values.publicUrl !== undefined,
    shutdownDelay: values.shutdownDelay ?? (values.mode === "production" ? seconds(5) : 0),
    secretKey: values.secretKey ?? "",
    secretKeyFallbacks: values.secretKeyFallbacks ?? [],
    database: { ...database, url: database.url ?? `sqlite:${values.dataDirectory}/auth.db` },
    mail: {
      ...mail,
      backend: mail.backend ?? (mail.host ? "smtp" : values.mode === "production" ? "missing" : "capture"),
      port: mail.port ?? (mail.useSsl ? 465 : mail.useTls ? 587 : 25),
    },
    tokens: {
      ...tokens,
      // A session that is to be short needs no second setting that says so.
      refreshTtl: isRefreshTtlSaid ? tokens.refreshTtl : Math.min(tokens.refreshTtl, tokens.sessionTtl),
      issuer: tokens.issuer ?? publicUrl,
    },
  };
}
