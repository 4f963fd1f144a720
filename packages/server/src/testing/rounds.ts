/** How often a race is run: a few times on every save, often when SLOW_TESTS is set. */

export function rounds(few: number, often: number): number {
  return process.env.SLOW_TESTS ? often : few;
}
