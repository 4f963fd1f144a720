#!/usr/bin/env node
// Plain JavaScript of long ago, so that an old Node gets one clear sentence instead of a syntax error.
const [major, minor] = process.versions.node.split(".");
if (Number(major) < 24) {
  process.stderr.write(`imagaine-auth needs Node 24 or newer; this is ${major}.${minor}.\n`);
  process.exit(1);
}
// In the repository the sources run as they are; a published package holds what they were compiled to.
void import("node:fs")
  .then(({ existsSync }) => {
    const isSource = existsSync(new URL("../src/cli/main.ts", import.meta.url));
    return import(isSource ? "../src/cli/main.ts" : "../dist/cli/main.js");
  })
  .then(({ runCommand }) => runCommand(process.argv.slice(2)));
