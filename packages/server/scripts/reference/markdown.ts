/** Pages of the reference as Markdown. */

const generated =
  "<!-- Written by packages/server/scripts/write-reference.ts. Change the code, then run it. -->";

export function page(title: string, intro: string, ...parts: readonly string[]): string {
  return `${[generated, `# ${title}`, intro, ...parts].join("\n\n")}\n`;
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

export const code = (text: string) => (text === "" ? "" : `\`${text}\``);
