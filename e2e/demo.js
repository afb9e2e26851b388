// `tidegate demo` in a folder of its own: the site that people see first.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { PROGRAM } from "./site.js";

export class Demo {
  // Starts one, and reads as whom one signs in from what it says.
  static async begin({ rows = 2000, hasPast = true } = {}) {
    const demo = new Demo();
    demo.folder = mkdtempSync(join(tmpdir(), "tidegate-demo-"));
    demo.port = await freePort();
    const TIDEGATE__SERVER__LISTEN = `127.0.0.1:${demo.port}`;
    const env = { PATH: process.env.PATH, RUST_LOG: "off", TIDEGATE__SERVER__LISTEN };
    const command = ["demo", "site", "--no-open", "--rows", String(rows)];
    if (!hasPast) command.push("--no-past");
    const options = { cwd: demo.folder, env, stdio: ["ignore", "ignore", "pipe"] };
    demo.process = spawn(PROGRAM, command, options);
    demo.people = {};
    for await (const line of createInterface({ input: demo.process.stderr })) {
      const place = line.match(/^Sign in at (http\S+)\/ with the password `([^`]+)`/);
      if (place) [, demo.base, demo.password] = place;
      const person = line.match(/^ {2}(\S+@\S+) +(\w+)$/);
      if (person) demo.people[person[2]] = person[1];
      if (line.includes("ready at ")) break;
    }
    if (!demo.base) throw new Error("the demo did not begin");
    // What is not read any more must not hold it up.
    demo.process.stderr.resume();
    return demo;
  }

  // What the site's own database answers: rows of text.
  query(sql) {
    const path = join(this.folder, "site", "site.db");
    const text = execFileSync("sqlite3", ["-json", path, sql], { encoding: "utf8" });
    return JSON.parse(text || "[]");
  }

  async end() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true });
  }
}

// A port that is free now: the demo has to know its own before it listens.
async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
