import type { Config } from "../config.ts";
export function findProductionProblems(
  _config: Config,
): { problem: string; because: string; fixes: string[] }[] {
  return [];
}
