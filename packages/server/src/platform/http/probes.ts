/** The two addresses at which supervisors and load balancers ask, every few seconds, whether we run. */

export const healthPath = "/_/health/";
export const readyPath = "/_/ready/";

/** Whether a path is one of them, with or without its final slash. */
export function isProbe(path: string): boolean {
  return [healthPath, readyPath].some((one) => path === one || `${path}/` === one);
}
