/** The public API of the library, and only that. */

export { type Auth, type AuthOptions, type BoundFlows, createAuth, type System } from "./auth.ts";
export { type Background, startBackground } from "./background.ts";
export { type Config, loadConfig } from "./config.ts";
export type { Caller } from "./core/access/access.ts";
export {
  defineFields,
  type ProfileChange,
  type User,
  type UserField,
  type UserFields,
} from "./core/accounts/fields.ts";
export type { Feature } from "./core/feature.ts";
export { findProductionProblems, type ProductionProblem } from "./core/production-checks.ts";
export { standardFeatures } from "./features.ts";
export { ApiError } from "./platform/http/errors.ts";
export { createNodeServer } from "./platform/http/node.ts";
export { type Serving, serve } from "./serve.ts";
export { version } from "./version.ts";
