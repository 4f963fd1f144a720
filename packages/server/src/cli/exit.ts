/** How a command ends: the codes a script can rely on, and an error that says what, why and how to mend it. */

export const exitCodes = {
  done: 0,
  unexpected: 1,
  usage: 2,
  notFound: 3,
  conflict: 4,
  invalid: 5,
  notAllowed: 6,
  partlyDone: 7,
  problemsFound: 8,
  unfinished: 20,
  temporary: 75,
  configuration: 78,
  interrupted: 130,
} as const;

/** Ends the command with a code, after its message on standard error. */
export class CommandFailed extends Error {
  readonly exitCode: number;

  constructor(message: string, exitCode: number, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
  }
}

/**
 * Ends the process, whatever it is in the middle of. Node waits for the threads that look up names and read files, and a
 * resolver or a disk that does not answer would hold it for ever: then the system ends it, which no code can say.
 */
export function exitNow(code: number): never {
  const isInThread = process.getActiveResourcesInfo().some((one) => threaded.has(one));
  if (isInThread && process.platform !== "win32") process.kill(process.pid, "SIGKILL");
  process.exit(code);
}

const threaded = new Set(["FSReqCallback", "FSReqPromise", "GetAddrInfoReqWrap", "GetNameInfoReqWrap"]);
