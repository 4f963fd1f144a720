/** Look after other people's accounts. */

import type { Feature } from "../../core/feature.ts";
import {
  createUser,
  deleteUser,
  disableUser,
  enableUser,
  findUser,
  listUsers,
  setUserPassword,
  verifyUser,
} from "./flow.ts";
import { readNewUser } from "./form.ts";

export const administration = {
  name: "administration",
  flows: {
    readNewUser,
    createUser,
    listUsers,
    findUser,
    disableUser,
    enableUser,
    setUserPassword,
    verifyUser,
    deleteUser,
  },
} as const satisfies Feature;
