/** Addresses that attackers write, for tests of everything that takes or writes to an address. */

/** Ways in which one text was read as two addresses by some mail program or other. */
export const ambiguousAddresses = [
  "a@x.test,b@y.test",
  "a@x.test;b@y.test",
  "a@x.test b@y.test",
  "a@x.test\r\nBcc: b@y.test",
  "a@x.test\r\nRCPT TO:<b@y.test>",
  "a@x.test\nb@y.test",
  "a@x.test\0b@y.test",
  "a@x.test\u2028b@y.test",
  '"b@y.test x"@x.test',
  '"b@y.test"@x.test',
  "<b@y.test>a@x.test",
  "b@y.test>a@x.test",
  "a@x.test(b@y.test)",
  "(b@y.test)a@x.test",
  "b@y.test@x.test",
  "a@[x@y.test]",
  "friends:b@y.test;@x.test",
  "=?utf-8?q?=62=40y.test=3E=00?=a@x.test",
  "a@x.test>\r\nDATA\r\n",
];
