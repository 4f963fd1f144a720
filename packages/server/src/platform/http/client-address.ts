/** Who is calling: the socket's address, unless a proxy that we trust speaks for somebody else. */

import { type BlockList, isIP, isIPv4, isIPv6 } from "node:net";

/**
 * The caller's address, plain and in lower case. Forwarded addresses are read from the right, and only as far as
 * each hop is a proxy we trust: what stands further left was written by a stranger (RFC 7239, 8.1).
 */
export function clientAddress(
  socketAddress: string,
  forwardedFor: string | null,
  trustedProxies: BlockList,
): string {
  let address = plainAddress(socketAddress) ?? "";
  const hops = (forwardedFor ?? "").slice(-2000).split(",");
  while (hops.length > 0 && isTrusted(address, trustedProxies)) {
    const next = plainAddress(hops.pop()?.trim() ?? "");
    if (!next) break;
    address = next;
  }
  return address;
}

export function isTrusted(address: string, trustedProxies: BlockList): boolean {
  const version = isIP(address);
  return version !== 0 && trustedProxies.check(address, version === 4 ? "ipv4" : "ipv6");
}

/**
 * An address in its one spelling: without zone, brackets or port, IPv6 compressed and in lower case (RFC 5952), and
 * IPv4 where it was only dressed as IPv6. So nobody counts as two by writing himself differently.
 */
export function plainAddress(text: string): string | undefined {
  const bare = text.replace(/^\[([^\]]*)\](?::\d+)?$/, "$1").replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");
  if (isIPv4(bare)) return bare;
  const [withoutZone = ""] = bare.split("%", 1);
  if (!isIPv6(withoutZone)) return undefined;
  const compressed = new URL(`http://[${withoutZone}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(compressed);
  return mapped ? ipv4Of(mapped[1] ?? "", mapped[2] ?? "") : compressed;
}

/**
 * The blocks that an address is counted in, the narrowest first: an IPv4 address is one; of IPv6 the /64 that a machine
 * or a home has to itself, and the /56 and /48 that one customer may have as well (RFC 6177), with as many /64s in them.
 * Neighbours in IPv4 are no such thing: whoever has a /24 pays for every address, and others share one with thousands.
 */
export function addressBlocks(address: string): readonly [string, ...string[]] {
  const plain = plainAddress(address);
  if (plain === undefined || isIPv4(plain)) return [plain ?? address];
  const groups = expandGroups(plain);
  const [first = "", second = "", third = "", fourth = ""] = groups;
  const customer = (Number.parseInt(fourth, 16) & 0xff00).toString(16);
  return [
    `${groups.slice(0, 4).join(":")}::/64`,
    `${first}:${second}:${third}:${customer}::/56`,
    `${first}:${second}:${third}::/48`,
  ];
}

/** The narrowest of them: what one machine or home has to itself. */
export const addressBlock = (address: string): string => addressBlocks(address)[0];

function ipv4Of(high: string, low: string): string {
  const bits = (Number.parseInt(high, 16) << 16) | Number.parseInt(low, 16);
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 255).join(".");
}

function expandGroups(address: string): string[] {
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  return [...left, ...Array<string>(8 - left.length - right.length).fill("0"), ...right];
}
