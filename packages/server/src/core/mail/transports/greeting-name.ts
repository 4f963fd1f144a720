/** What we call ourselves to a mail server in EHLO: a name with dots, or an address in brackets (RFC 5321, 4.1.4). */

import { isIP } from "node:net";
import { hostname, type NetworkInterfaceInfo, networkInterfaces } from "node:os";

/**
 * The host of PUBLIC_URL, which is the one name of this server that its operator has chosen; else the machine's own name;
 * else its address. A name without a dot, and one that means this machine on every machine, is refused by strict relays.
 */
export function greetingName(
  publicUrl: string,
  machine: string = hostname(),
  interfaces: NodeJS.Dict<NetworkInterfaceInfo[]> = networkInterfaces(),
): string {
  const names = [new URL(publicUrl).hostname, machine.toLowerCase()];
  return names.find(isHostName) ?? addressLiteral(interfaces);
}

const label = "[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?";
const dotted = new RegExp(`^(?:${label}\\.)+${label}$`);

const isHostName = (name: string) =>
  name.length <= 253 &&
  dotted.test(name) &&
  isIP(name) === 0 &&
  !/(?:^|\.)(?:localhost|localdomain)$/.test(name);

function addressLiteral(interfaces: NodeJS.Dict<NetworkInterfaceInfo[]>): string {
  const addresses = Object.values(interfaces).flatMap((list) => list ?? []);
  const outside = addresses.filter(({ internal, address }) => !internal && !/^fe80:/i.test(address));
  const best = outside.find(({ family }) => family === "IPv4") ?? outside[0];
  if (!best) return "[127.0.0.1]";
  return best.family === "IPv4" ? `[${best.address}]` : `[IPv6:${best.address}]`;
}
