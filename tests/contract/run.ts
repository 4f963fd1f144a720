/**
 * Replays the recorded exchanges on a running server:
 * `node tests/contract/run.ts --url http://127.0.0.1:8000 [--group register]`.
 * Only those that need no account beforehand and make none. The server should have ImagAIne's fields
 * (examples/imagaine) and RATE_LIMITS=off, or it answers 429 before long. Ends with 1 when an answer was wrong.
 */

import { parseArgs } from "node:util";
import { readRecordings } from "./exchanges.ts";
import { lines } from "./lines.ts";
import { type Report, replay } from "./remote.ts";
import { createClient } from "./send.ts";

const { values } = parseArgs({ options: { url: { type: "string" }, group: { type: "string" } } });

if (!values.url || !URL.canParse(values.url)) {
  process.stderr.write("Usage: node tests/contract/run.ts --url http://127.0.0.1:8000 [--group register]\n");
  process.exit(2);
}

const exchanges = readRecordings().filter(({ group }) => !values.group || group === values.group);
using client = createClient(values.url);
const report = await replay({ send: client.send, now: () => new Date() }, exchanges);
process.stdout.write(`${summarise(report)}\n`);
process.exitCode = report.failed.length > 0 ? 1 : 0;

function summarise({ equal, listed, failed, skipped }: Report): string {
  const listedCount = [...listed.values()].reduce((sum, count) => sum + count, 0);
  return [
    ...failed.flatMap(({ id, differences }) => [`✗ ${id}`, ...differences.map((text) => `    ${text}`)]),
    `${equal} as recorded`,
    `${listedCount} as listed`,
    ...[...listed].map(([line, count]) => `    ${count} ${line}: ${lines[line].ours}`),
    `${failed.length} otherwise`,
    `${skipped} left out: they need accounts of their own`,
  ].join("\n");
}
