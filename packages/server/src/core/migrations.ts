/** The tables that features share. */

import type { Migration } from "../platform/database/migrate.ts";
