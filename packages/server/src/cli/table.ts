/** Rows in aligned columns: no borders, whole values where a program reads them, cut to the width of a terminal. */

import { cutTo, visible, widthOf } from "./visible.ts";

export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  /** Where room is short: left out, the last such column first. */
  readonly mayGo?: boolean;
  /** Where room is still short: cut, the widest first. */
  readonly mayShrink?: boolean;
  /** How much it matters, told by a colour as well. */
  readonly paint?: (row: Row) => (text: string) => string;
}

export interface TableStyle {
  /** Columns of the terminal; undefined where nothing is to be cut. */
  readonly width: number | undefined;
  readonly dim: (text: string) => string;
}

const gap = 2;
const leastWidth = 8;

/** The lines of a table, its titles first. */
export function formatTable<Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  { width, dim }: TableStyle,
): string[] {
  const cells = columns.map((column) => ({
    column,
    texts: [column.title, ...rows.map((row) => visible(column.value(row)))],
    paints: [undefined, ...rows.map((row) => column.paint?.(row))],
  }));
  const kept = width === undefined ? cells : leaveOut(cells, width);
  const widths = kept.map(({ texts }) => Math.max(...texts.map(widthOf)));
  if (width !== undefined) shrink(kept, widths, width);
  return ["", ...rows].map((_, line) => {
    const parts = kept.map(({ texts, paints }, index) => {
      const text = cutTo(texts[line] ?? "", widths[index] ?? 0);
      return (paints[line]?.(text) ?? text) + padding(text, widths[index]);
    });
    const text = parts.join(" ".repeat(gap)).trimEnd();
    return line === 0 ? dim(text) : text;
  });
}

interface Cells<Row> {
  readonly column: Column<Row>;
  readonly texts: readonly string[];
  /** Line by line as the texts; the title has none. */
  readonly paints: readonly (((text: string) => string) | undefined)[];
}

const total = (widths: readonly number[]) => widths.reduce((sum, one) => sum + one + gap, -gap);

function leaveOut<Row>(cells: readonly Cells<Row>[], width: number): readonly Cells<Row>[] {
  const needed = total(cells.map(({ texts }) => Math.max(...texts.map(widthOf))));
  const last = cells.findLast(({ column }) => column.mayGo);
  if (needed <= width || !last) return cells;
  return leaveOut(
    cells.filter((one) => one !== last),
    width,
  );
}

function shrink<Row>(cells: readonly Cells<Row>[], widths: number[], width: number): void {
  while (total(widths) > width) {
    const shrinkable = widths.map((one, index) => (cells[index]?.column.mayShrink ? one : 0));
    const widest = shrinkable.indexOf(Math.max(...shrinkable));
    if ((shrinkable[widest] ?? 0) <= leastWidth) return;
    widths[widest] = (widths[widest] ?? 0) - 1;
  }
}

const padding = (text: string, width = 0) => " ".repeat(Math.max(0, width - widthOf(text)));
