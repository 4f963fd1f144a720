import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { describe, it } from "node:test";
import { greetingName } from "./greeting-name.ts";

const face = (address: string, family: "IPv4" | "IPv6", internal = false) =>
  ({ address, family, internal }) as NetworkInterfaceInfo;
const faces = {
  lo: [face("127.0.0.1", "IPv4", true), face("::1", "IPv6", true)],
  eth0: [face("fe80::1", "IPv6"), face("2001:db8::5", "IPv6"), face("192.0.2.7", "IPv4")],
};

describe("what this server calls itself to a mail server", () => {
  it("is the host that people reach it by", () => {
    assert.equal(greetingName("https://Auth.Example.com:8443/sign-in", "box.lan", faces), "auth.example.com");
    assert.equal(greetingName("https://bücher.example/", "box.lan", faces), "xn--bcher-kva.example");
  });

  it("is the machine's name where that says nothing", () => {
    for (const url of [
      "http://localhost:8000",
      "http://192.0.2.1",
      "http://[::1]:8000",
      "http://auth",
      "http://auth.localhost",
    ])
      assert.equal(greetingName(url, "Box.Lan", faces), "box.lan", url);
  });

  it("is an address in brackets where the machine has no name with a dot, and never that of the machine itself", () => {
    for (const machine of [
      "box",
      "localhost.localdomain",
      "3f1c0b7e9d21",
      "",
      "bad_name.example",
      "192.0.2.9",
    ])
      assert.equal(greetingName("http://localhost:8000", machine, faces), "[192.0.2.7]", machine);
    const six = { lo: faces.lo, eth0: faces.eth0.slice(0, 2) };
    assert.equal(greetingName("http://localhost:8000", "box", six), "[IPv6:2001:db8::5]");
    assert.equal(greetingName("http://localhost:8000", "box", { lo: faces.lo }), "[127.0.0.1]");
  });
});
