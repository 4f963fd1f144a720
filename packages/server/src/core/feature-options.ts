/** Holds features to what a feature can be, so that a guard whose name is misspelt is no guard that is missing. */

import type { AnyEndpoint, Limit } from "../platform/http/endpoint.ts";
import type { Form } from "../platform/http/form.ts";
import type { Page } from "../platform/http/page.ts";
import * as option from "../platform/options.ts";
import { findOptionProblems, needed, type OptionsOf } from "../platform/options.ts";
import type { Context } from "./context.ts";
import type { Reaction } from "./events/events.ts";
import type { Feature, Job } from "./feature.ts";
import type { AnyMail } from "./mail/mail.ts";

export const featureOptions: OptionsOf<Feature> = {
  name: needed(option.text),
  endpoints: option.list,
  pages: option.list,
  flows: option.table,
  mails: option.list,
  migrations: option.table,
  gates: option.list,
  reactions: option.list,
  jobs: option.list,
};

const tableOrMethod = option.either(option.table, option.method);

export const endpointOptions: OptionsOf<AnyEndpoint<Context>> = {
  method: needed(option.oneOf("get", "post", "put", "patch", "delete")),
  path: needed(option.text),
  alsoAt: option.list,
  summary: needed(option.text),
  description: option.text,
  access: needed(option.table),
  limit: needed(option.list),
  body: tableOrMethod,
  onlyIf: option.method,
  status: option.wholeNumber(200, 201),
  reply: needed(tableOrMethod),
  errors: needed(option.list),
  query: option.table,
  handle: needed(option.method),
};

export const formOptions: OptionsOf<Form<Context, unknown>> = {
  fields: needed(option.table),
  lookUp: option.method,
  current: option.method,
  cross: option.method,
  keepsUnknown: option.yesOrNo,
  insteadOfNoObject: option.table,
};

export const accessOptions: OptionsOf<AnyEndpoint<Context>["access"]> = {
  check: needed(option.method),
  needsToken: needed(option.yesOrNo),
  errors: needed(option.list),
};

export const limitOptions: OptionsOf<Limit<Context, unknown, string>> = {
  describe: needed(option.method),
  countsBy: needed(option.either(option.oneOf("address", "caller"), option.table)),
  spares: option.table,
  take: needed(option.method),
};

export const pageOptions: OptionsOf<Page<Context>> = {
  path: needed(option.text),
  onlyIf: option.method,
  besideEndpoint: option.yesOrNo,
  access: needed(option.method),
  limit: needed(option.list),
  show: needed(option.method),
  submit: option.method,
  submitLimit: option.list,
};

export const mailOptions: OptionsOf<AnyMail> = {
  name: needed(option.text),
  worthSendingFor: needed(option.method),
  budget: needed(option.list),
  isAwaited: needed(option.yesOrNo),
  evenSo: option.method,
  isToldLater: option.yesOrNo,
  attribute: option.method,
  compose: needed(option.method),
};

export const reactionOptions: OptionsOf<Reaction> = {
  event: needed(option.table),
  react: needed(option.method),
};

export const jobOptions: OptionsOf<Job> = {
  name: needed(option.text),
  every: needed(option.wholeNumber(1, Number.MAX_SAFE_INTEGER)),
  startsAtOnce: option.yesOrNo,
  run: needed(option.method),
};

/** All that is wrong with what features hold, as sentences that name the feature and the part. */
export function findFeatureProblems(features: readonly Feature[]): string[] {
  return features.flatMap((feature, index) => {
    const name = typeof feature?.name === "string" ? `"${feature.name}"` : `number ${index + 1}`;
    const own = findOptionProblems(feature, featureOptions);
    return [...own, ...(own.length > 0 ? [] : findPartProblems(feature))].map((problem) =>
      option.toSentence(`The feature ${name} ${problem}`),
    );
  });
}

function findPartProblems({ endpoints = [], pages = [], mails = [], reactions = [], jobs = [] }: Feature) {
  return [
    ...endpoints.flatMap((one) => [
      ...inPart("an endpoint", one, one?.path, endpointOptions),
      ...(option.isTable(one?.access) ? inPart("the access", one.access, one.path, accessOptions) : []),
      ...(option.isTable(one?.body) ? inPart("a body", one.body, one.path, formOptions) : []),
      ...inLimits(one?.limit, one?.path),
    ]),
    ...pages.flatMap((one) => [
      ...inPart("a page", one, one?.path, pageOptions),
      ...inLimits(one?.limit, one?.path),
    ]),
    ...mails.flatMap((one) => inPart("a mail", one, one?.name, mailOptions)),
    ...reactions.flatMap((one) => inPart("a reaction", one, one?.event?.name, reactionOptions)),
    ...jobs.flatMap((one) => inPart("a job", one, one?.name, jobOptions)),
  ];
}

function inLimits(limits: unknown, path: unknown): string[] {
  if (!Array.isArray(limits)) return [];
  return limits.flatMap((one) => inPart("a limit", one, path, limitOptions));
}

function inPart(what: string, given: unknown, name: unknown, options: option.Options): string[] {
  const named = typeof name === "string" ? `${what} of ${option.show(name)}` : what;
  return findOptionProblems(given, options).map((problem) => `has ${named} that ${problem}`);
}
