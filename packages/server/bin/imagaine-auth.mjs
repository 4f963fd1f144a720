#!/usr/bin/env node
// Plain JavaScript, so that an old Node gets one clear sentence instead of a syntax error.
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 24) {
  // oxlint-disable-next-line no-console -- there is nothing else to say it with yet
  console.error(`imagaine-auth needs Node 24 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
// In the repository the sources run as they are; a published package holds what they were compiled to.
const { existsSync } = await import("node:fs");
const isSource = existsSync(new URL("../src/cli/main.ts", import.meta.url));
const { runCommand } = await import(isSource ? "../src/cli/main.ts" : "../dist/cli/main.js");
await runCommand(process.argv.slice(2));
