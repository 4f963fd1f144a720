/** Opens an address in the browser of whoever sits here, or says it where there is none. */

import { spawn } from "node:child_process";

const openers: Readonly<Record<string, readonly [string, ...string[]]>> = {
  darwin: ["open"],
  // No shell reads the address on the way.
  win32: ["rundll32", "url.dll,FileProtocolHandler"],
};

/** `told` gets a sentence with the address if no browser opens. */
export function openBrowser(url: string, told: (text: string) => void): void {
  const fail = () => told(`No browser opens from here: ${url}`);
  if (!hasScreen(process.env)) return fail();
  const [program, ...rest] = openers[process.platform] ?? ["xdg-open"];
  // In a group of its own: Ctrl-C here is not meant for it.
  const opener = spawn(program, [...rest, url], { stdio: "ignore", detached: true });
  opener.once("error", fail);
  opener.once("exit", (code) => {
    if (code !== 0) fail();
  });
  opener.unref();
}

/** Over ssh there may be none, and `xdg-open` would look for a browser that draws in the terminal. */
function hasScreen(environment: NodeJS.ProcessEnv): boolean {
  if (process.platform === "win32") return true;
  if (process.platform === "darwin") return !environment.SSH_CONNECTION;
  return Boolean(environment.DISPLAY || environment.WAYLAND_DISPLAY);
}
