import { FieldsInvalid } from "../../platform/http/errors.ts";

/** Nothing is wrong with the values themselves, but another account has one of them already. */
export class ValuesTaken extends FieldsInvalid {}
