/** Spans of time as operators write them ("15m", "7d") and as code counts them (milliseconds). */

const units = { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Milliseconds of "30s", "15m", "24h" or "7d"; undefined for anything else, zero included. */
export function parseDuration(text: string): number | undefined {
  const match = /^([1-9]\d{0,8})([smhd])$/.exec(text.trim());
  return match ? Number(match[1]) * units[match[2] as keyof typeof units] : undefined;
}

export const seconds = (count: number): number => count * units.s;
export const minutes = (count: number): number => count * units.m;
export const hours = (count: number): number => count * units.h;
export const days = (count: number): number => count * units.d;

/** The moment so many milliseconds after another. */
export function after(moment: Date, milliseconds: number): Date {
  return new Date(moment.getTime() + milliseconds);
}
