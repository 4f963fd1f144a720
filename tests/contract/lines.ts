/** Where we answer otherwise than the original on purpose: the lines of the wire contract that allow it. */

export interface Line {
  readonly original: string;
  readonly ours: string;
}

export const lines = {
  reveal: {
    original: "Registering tells a stranger that an e-mail address is taken.",
    ours: "Registering answers alike, and the owner of the address gets a mail; REVEAL_ACCOUNTS=true tells again.",
  },
  openRoutes: {
    original: "A bad bearer token fails routes that need none.",
    ours: "Open routes do not look at it: a stale header must not block signing in.",
  },
  json: {
    original: "404 and some 400 and 500 are HTML or empty; a path without its final slash is redirected.",
    ours: "Every answer is JSON; the path answers with and without its slash, since a redirect turns POST into GET.",
  },
  types: {
    original: "Numbers are taken as text, UUIDs in many spellings, `false` as a token.",
    ours: "They are of the wrong type, and said to be.",
  },
  passwords: {
    original: "Passwords are trimmed and of any length; no policy holds when one is set.",
    ours: "Passwords are taken as typed, white space included, and the policy holds wherever one is set.",
  },
  emails: {
    original: "E-mail addresses are compared as they are spelt.",
    ours: "Addresses are compared in their canonical form: no twin accounts, nobody shut out by a capital letter.",
  },
  links: {
    original: "Verifying consumes the link on GET and HEAD, whoever asks; a second call is refused.",
    ours: "GET verifies for scripts alone, and while the link lives a second call answers as the first.",
  },
  resetLinks: {
    original: "Asking for a reset again ends the link that was mailed before.",
    ours: "The three newest links work until one is used: people ask twice, and strangers may ask too.",
  },
  strictTokens: {
    original:
      "Tokens are read leniently: stray base64, odd headers, claims of any type, some of which end in a 500.",
    ours: "A token has one canonical text and claims of their types; everything else is 401.",
  },
  sessions: {
    original: "Sessions live on after a reset, a change, a disabling or a deletion.",
    ours: "They end with it.",
  },
  languages: {
    original: "The sentences of password change and account deletion are Portuguese for everybody.",
    ours: "They are in the language that Accept-Language asks for, English if for none.",
  },
  refresh: {
    original: "A refresh token is refused the moment it was exchanged, and a session can go on for ever.",
    ours: "The token one behind gets the same successor until somebody used that; sessions have an end.",
  },
  accept: {
    original: "An Accept header (or ?format=) without JSON is refused: 406 or 404.",
    ours: "The answer is JSON all the same: nobody is helped by a refusal.",
  },
  options: {
    original: "OPTIONS describes the fields of an endpoint.",
    ours: "OPTIONS says which methods there are, and nothing else.",
  },
  bodies: {
    original: "What is wrong with malformed JSON is told in the words of Python's parser.",
    ours: 'The text after "JSON parse error - " is ours.',
  },
  throttles: {
    original: "A few calls from one address use up everybody's share there; counts are kept per process.",
    ours: "Limits are our own, count guesses at an account and calls from an address, and stand in the database.",
  },
  additions: {
    original: "Nothing answers there: 404 or 405.",
    ours: "An endpoint that we added: logout, verifying by POST, verifying by code.",
  },
  pictures: {
    original: "Pictures are uploaded to profile/avatar and profile/cover.",
    ours: "Not among the endpoints of the contract: 404.",
  },
} as const satisfies Record<string, Line>;

export type LineName = keyof typeof lines;
