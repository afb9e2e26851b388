// An authenticator (RFC 6238), as a phone has it: a program of its own, with Node's HMAC.
import { createHmac } from "node:crypto";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

function decoded(secret) {
  const letters = [...secret.replaceAll(" ", "")];
  const bits = letters.map((one) => ALPHABET.indexOf(one).toString(2).padStart(5, "0")).join("");
  return Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)));
}

// The step of this moment.
export function step() {
  return Math.floor(Date.now() / 30_000);
}

// The code of a secret at a step.
export function code(secret, at) {
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(BigInt(at));
  const digest = createHmac("sha1", decoded(secret)).update(counter).digest();
  const number = digest.readUInt32BE(digest.at(-1) & 15) & 0x7fffffff;
  return String(number % 1_000_000).padStart(6, "0");
}
