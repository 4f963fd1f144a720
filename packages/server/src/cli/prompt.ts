/** Asks the person at the terminal: for a password, which is not shown, or whether it is meant. */

import type { Readable } from "node:stream";
import { CommandFailed, exitCodes } from "./exit.ts";

/** A terminal to ask on; questions go to standard error, since the result may go into a file. */
export interface Terminal {
  readonly input: Readable & { readonly isTTY?: boolean; setRawMode?: (isRaw: boolean) => unknown };
  readonly output: { write: (text: string) => unknown };
}

const ownTerminal = (): Terminal => ({ input: process.stdin, output: process.stderr });

const interrupted = () => new CommandFailed("Interrupted. Nothing was changed.", exitCodes.interrupted);

/** A line that is not shown while it is typed. Throws when Ctrl-C or Ctrl-D ends it. */
export async function askHidden(question: string, { input, output } = ownTerminal()): Promise<string> {
  output.write(question);
  input.setRawMode?.(true);
  input.setEncoding("utf8");
  try {
    return await readHiddenLine(input);
  } finally {
    input.setRawMode?.(false);
    output.write("\n");
  }
}

function readHiddenLine(input: Terminal["input"]): Promise<string> {
  const typed: string[] = [];
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      input.off("data", onData);
      input.off("end", onEnd);
      input.pause();
      end();
    };
    const onEnd = () => settle(() => reject(interrupted()));
    const onData = (chunk: string) => {
      let read = 0;
      for (const character of chunk) {
        read += character.length;
        if (character === "\r" || character === "\n") {
          settle(() => resolve(typed.join("")));
          // Pasted or typed ahead: it answers the next question.
          const rest = chunk.slice(read).replace(character === "\r" ? /^\n/ : /^(?!)/, "");
          if (rest !== "") input.unshift(rest);
          return;
        }
        if (character === "\u0003" || character === "\u0004") return onEnd();
        if (character === "\u007f" || character === "\b") typed.pop();
        else if (character === "\u0015") typed.length = 0;
        else typed.push(character);
      }
    };
    input.on("data", onData);
    input.on("end", onEnd);
    input.resume();
  });
}

/** Where a password comes from: standard input, or a person who types it twice. Throws when there is neither. */
export function choosePasswordSource(isFromStdin: boolean, terminal = ownTerminal()): () => Promise<string> {
  // Typed at a terminal it stays hidden, whatever the flag says.
  if (terminal.input.isTTY) return () => askTwice(terminal);
  if (isFromStdin) return () => readAll(terminal.input);
  throw new CommandFailed("This needs --password-stdin or a terminal.", exitCodes.usage);
}

async function askTwice(terminal: Terminal): Promise<string> {
  const password = await askHidden("Password: ", terminal);
  if ((await askHidden("The same again: ", terminal)) === password) return password;
  throw new CommandFailed("These were two different passwords. Nothing was changed.", exitCodes.invalid);
}

const mostBytes = 64 * 1024;

/** All that comes, without the line break at its end. */
async function readAll(input: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    chunks.push(Buffer.from(chunk as Uint8Array));
    size += (chunk as Uint8Array).length;
    if (size > mostBytes) throw new CommandFailed("That is no password: it is too long.", exitCodes.invalid);
  }
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(Buffer.concat(chunks));
    return text.replace(/\r?\n$/, "");
  } catch {
    throw new CommandFailed("The password must be UTF-8 text.", exitCodes.invalid);
  }
}

/** Goes on only if it is meant: --yes says so, or the person at the terminal. */
export async function confirm(question: string, isMeant: boolean, terminal = ownTerminal()): Promise<void> {
  if (isMeant) return;
  if (!terminal.input.isTTY) throw new CommandFailed("This needs --yes or a terminal.", exitCodes.usage);
  terminal.output.write(`${question} [y/N] `);
  terminal.input.setEncoding("utf8");
  terminal.input.resume();
  const answer = await new Promise<string>((resolve) => {
    terminal.input.once("data", (chunk: string) => resolve(chunk.trim().toLowerCase()));
    terminal.input.once("end", () => resolve(""));
  });
  terminal.input.pause();
  if (answer !== "y" && answer !== "yes")
    throw new CommandFailed("Nothing was changed.", exitCodes.interrupted);
}
