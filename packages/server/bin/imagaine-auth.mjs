#!/usr/bin/env node
// Plain JavaScript, so that an old Node gets one clear sentence instead of a syntax error.
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 24) {
  // oxlint-disable-next-line no-console -- there is nothing else to say it with yet
  console.error(`imagaine-auth needs Node 24 or newer; this is ${process.versions.node}.`);
  process.exit(1);
}
const { runCommand } = await import("../src/cli/main.ts");
await runCommand(process.argv.slice(2));
