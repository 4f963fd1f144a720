/** A certificate for a server of a test, made on the spot: no key lies in the repository, and none grows old. */

import { generateKeyPairSync, sign } from "node:crypto";
import { isIP } from "node:net";

export interface Certificate {
  readonly key: string;
  /** Signed by itself: a client trusts it by naming it as its authority. */
  readonly cert: string;
}

/** Makes a certificate (RFC 5280) for these names and addresses, valid from an hour ago until tomorrow. */
export function makeSelfSignedCertificate(...names: readonly string[]): Certificate {
  return makeCertificate(names, { from: Date.now() - 3_600_000, until: Date.now() + 86_400_000 });
}

/** The same, valid from one moment to another. */
export function makeCertificate(
  names: readonly string[],
  validity: { readonly from: number; readonly until: number },
): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const algorithm = sequence(objectId("2a8648ce3d040302")); // ecdsa-with-SHA256
  const name = sequence(
    set(sequence(objectId("550403"), element(0x0c, Buffer.from("Self-signed test certificate")))),
  );
  const unsigned = sequence(
    element(0xa0, element(0x02, Buffer.from([2]))), // version 3
    element(0x02, Buffer.from([1])), // serial number
    algorithm,
    name,
    sequence(time(validity.from), time(validity.until)),
    name,
    publicKey.export({ type: "spki", format: "der" }),
    element(
      0xa3,
      sequence(sequence(objectId("551d11"), element(0x04, sequence(...names.map(alternativeName))))),
    ),
  );
  const signature = element(0x03, Buffer.concat([Buffer.from([0]), sign("sha256", unsigned, privateKey)]));
  const body = sequence(unsigned, algorithm, signature).toString("base64");
  return {
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    cert: `-----BEGIN CERTIFICATE-----\n${body.replace(/.{64}/g, "$&\n")}\n-----END CERTIFICATE-----\n`,
  };
}

/** One element of DER: tag, length, content. */
function element(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents);
  const size = content.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

const sequence = (...contents: readonly Buffer[]) => element(0x30, ...contents);
const set = (...contents: readonly Buffer[]) => element(0x31, ...contents);
const objectId = (hex: string) => element(0x06, Buffer.from(hex, "hex"));

function time(milliseconds: number): Buffer {
  const text = new Date(milliseconds).toISOString().replace(/[-:T]|\.\d+/g, "");
  return element(0x17, Buffer.from(text.slice(2))); // UTCTime has two digits for the year
}

function alternativeName(name: string): Buffer {
  return isIP(name) === 4
    ? element(0x87, Buffer.from(name.split(".").map(Number)))
    : element(0x82, Buffer.from(name));
}
