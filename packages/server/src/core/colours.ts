/** The colours of all that people see of us, pages and mails alike, in light and in dark. */

/**
 * Text on its ground has a contrast of 4.5 to 1 at least, borders of fields and buttons 3 to 1 (WCAG 2.2, 1.4.3 and
 * 1.4.11). None is quite black or white, so that a mail program that inverts colours by force leaves them readable.
 */
export const colours = {
  light: {
    ground: "#f3f4f7",
    card: "#fdfdfe",
    ink: "#1c1d22",
    soft: "#5b5e6d",
    line: "#dddfe6",
    field: "#82869a",
    link: "#4338ca",
    button: "#4338ca",
    hover: "#372ea8",
    label: "#fdfdfe",
    bad: "#b42318",
  },
  dark: {
    ground: "#131418",
    card: "#1c1e24",
    ink: "#ececf1",
    soft: "#a6a9b8",
    line: "#343742",
    field: "#7b7f92",
    link: "#a5a2ff",
    button: "#6259e8",
    hover: "#554bd9",
    label: "#fdfdfe",
    bad: "#ff9c90",
  },
} as const;
