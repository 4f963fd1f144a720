/** What a token with a good signature says, read into types: whose it is, which kind, until when. */

export type TokenType = "access" | "refresh";

/**
 * Why a token is refused, in the order in which the original looks; what it says of each:
 * - `invalid`: "Token is invalid or expired"
 * - `no_expiry`: "Token has no 'exp' claim"
 * - `no_id`: "Token has no id"
 * - `no_type`: "Token has no type"
 * - `wrong_type`: "Token has wrong type"
 * - `no_user`: "Token contained no recognizable user identification"
 * - `unknown_user`: "User not found"; no account has an id of that form
 */
export type ClaimsProblem =
  | "invalid"
  | "no_expiry"
  | "no_id"
  | "no_type"
  | "wrong_type"
  | "no_user"
  | "unknown_user";

export interface Claims {
  /** Undefined only for a token without session that was read as `any`: simplejwt made it, for a door of its own. */
  readonly tokenType: TokenType | undefined;
  readonly expiresAt: Date;
  readonly issuedAt?: Date;
  /** `jti`: 1 to 64 characters. */
  readonly id: string;
  readonly userId: string;
  /** `sid`. A token without it is not ours: simplejwt made it, with the same secret. */
  readonly sessionId?: string;
  /** `seq`: how often the session's refresh token has been exchanged. */
  readonly sequence?: number;
  readonly authTime?: Date;
  /** `amr`: how the person proved who they are. */
  readonly methods?: readonly string[];
  /** The key of the ring that signed it, which may be ended at any moment; undefined for SECRET_KEY. */
  readonly keyId?: string;
}

export interface ClaimsExpectation {
  /** At whose door the token is shown; `any` where a token of either type may be asked about. */
  readonly kind: TokenType | "any";
  readonly now: Date;
  /** How far ahead the clock that made a token may be, at most 30 seconds; its end is never put off. */
  readonly leewaySeconds: number;
  readonly issuer?: string | undefined;
  readonly audience?: string | undefined;
}

export type ClaimsResult =
  | { readonly ok: true; readonly claims: Claims }
  | { readonly ok: false; readonly problem: ClaimsProblem };

type Payload = Readonly<Record<string, unknown>>;

const uuidPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
/** The last second of the year 9999: where the original's dates end, and what tells seconds from milliseconds. */
const lastSecond = 253_402_300_799;

/**
 * The claims, or the first problem. Nothing is looked up: that the session or account still lives is for the caller
 * to see. Stricter than the original: times are whole numbers, ids are text, a user id is a lower-case UUID with
 * dashes. A token of ours (it has `sid`) names exactly the configured issuer and audience; one of simplejwt names
 * neither, or something else that the original did not look at. Throws RangeError for more than 30 seconds of leeway.
 */
export function checkClaims(payload: Payload, expected: ClaimsExpectation): ClaimsResult {
  const { leewaySeconds } = expected;
  if (!(leewaySeconds >= 0 && leewaySeconds <= 30)) throw new RangeError("Leeway is 0 to 30 seconds.");
  const issuedAt = readTime(payload.iat);
  const expiresAt = readTime(payload.exp);
  const ours = readOwnClaims(payload, expected);
  if (!isCurrent(payload, expected) || !ours) return refuse("invalid");
  if (!expiresAt) return refuse("no_expiry");
  const { jti, user_id: userId } = payload;
  if (jti === undefined) return refuse("no_id");
  if (typeof jti !== "string" || jti.length < 1 || jti.length > 64) return refuse("invalid");
  const typeProblem = findTypeProblem(payload, expected.kind);
  if (typeProblem) return refuse(typeProblem);
  if (userId === undefined) return refuse("no_user");
  if (!isUuid(userId)) return refuse("unknown_user");
  const tokenType = isTokenType(payload.token_type) ? payload.token_type : undefined;
  return {
    ok: true,
    claims: { tokenType, expiresAt, ...(issuedAt && { issuedAt }), id: jti, userId, ...ours },
  };
}

/** Whether each of the three times is absent or well-formed, and now lies between them. */
function isCurrent(payload: Payload, { now, leewaySeconds }: ClaimsExpectation): boolean {
  const leeway = leewaySeconds * 1000;
  const holds = (value: unknown, test: (time: number) => boolean): boolean => {
    if (value === undefined) return true;
    const time = readTime(value);
    return time !== undefined && test(time.getTime());
  };
  return (
    holds(payload.exp, (end) => now.getTime() < end) &&
    holds(payload.nbf, (start) => start <= now.getTime() + leeway) &&
    holds(payload.iat, (start) => start <= now.getTime() + leeway)
  );
}

type OwnClaims = Pick<Claims, "sessionId" | "sequence" | "authTime" | "methods">;

/** The claims that only we write, empty for a token of simplejwt; undefined if one of them is not as we write it. */
function readOwnClaims(payload: Payload, { issuer, audience }: ClaimsExpectation): OwnClaims | undefined {
  const { sid, iss, aud, seq, amr } = payload;
  if (sid === undefined) return {};
  // Exact text only: a list that holds ours among others is how CVE-2025-30144 got in.
  // RFC 7519, 4.1.3: a token for some audience is for nobody who has no name.
  if ((issuer !== undefined && iss !== issuer) || aud !== audience) return undefined;
  const authTime = readTime(payload.auth_time);
  if (!isUuid(sid) || (payload.auth_time !== undefined && !authTime)) return undefined;
  if (!(seq === undefined || isCount(seq)) || !(amr === undefined || isListOfText(amr))) return undefined;
  return {
    sessionId: sid,
    ...(seq !== undefined && { sequence: seq }),
    ...(authTime && { authTime }),
    ...(amr !== undefined && { methods: amr }),
  };
}

/** Asked about as `any`, simplejwt's tokens pass whatever their type, as in the original; ours never do. */
function findTypeProblem(payload: Payload, kind: TokenType | "any"): "no_type" | "wrong_type" | undefined {
  const { token_type: type, sid } = payload;
  if (kind === "any" && sid === undefined) return undefined;
  if (type === undefined) return "no_type";
  const isWelcome = kind === "any" ? isTokenType(type) : type === kind;
  return isWelcome ? undefined : "wrong_type";
}

function refuse(problem: ClaimsProblem): ClaimsResult {
  return { ok: false, problem };
}

function readTime(seconds: unknown): Date | undefined {
  return isCount(seconds) && seconds <= lastSecond ? new Date(seconds * 1000) : undefined;
}

function isTokenType(value: unknown): value is TokenType {
  return value === "access" || value === "refresh";
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isUuid(value: unknown): value is string {
  return typeof value === "string" && uuidPattern.test(value);
}

function isListOfText(value: unknown): value is string[] {
  return Array.isArray(value) && value.every((item) => typeof item === "string");
}
