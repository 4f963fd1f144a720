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
