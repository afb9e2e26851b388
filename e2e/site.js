// A shop with people and `tidegate serve` in front of it, in a folder of its own.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

export const PROGRAM = resolve(process.env.TIDEGATE ?? "../target/debug/tidegate");
const CONFIGURATION = `
[sources.shop]
url = "sqlite:shop.db"
[[subjects]]
slug = "orders"
model = "shop.Order"
source = "shop"
table = "orders"
fields = ["id", "total"]
[control]
url = "sqlite:control.db"
[server]
listen = "127.0.0.1:0"
`;
const SCHEMA = `
create table orders (id integer primary key, total decimal(12,2) not null);
insert into orders values (1, 10.50), (2, 20);
`;

export const ADMINISTRATOR = "ada@example.com";
export const VIEWER = "vera@example.com";
export const PASSWORD = "correct horse battery";

export class Site {
  // A site with an administrator, who has a password, and a viewer, who has none.
  static async withPeople(more = "", schema = "") {
    const site = new Site(more, schema);
    site.run(["operators", "add", ADMINISTRATOR, "--role", "administrator"]);
    site.run(["operators", "add", VIEWER, "--role", "viewer"]);
    site.run(["operators", "password", ADMINISTRATOR], PASSWORD);
    await site.serve();
    return site;
  }

  // A site that nobody has set up.
  static async empty() {
    const site = new Site("");
    await site.serve();
    return site;
  }

  constructor(more, schema = "") {
    this.folder = mkdtempSync(join(tmpdir(), "tidegate-e2e-"));
    writeFileSync(join(this.folder, "tidegate.toml"), CONFIGURATION + more);
    execFileSync("sqlite3", [join(this.folder, "shop.db"), SCHEMA + schema]);
  }

  // Runs a command in the administrator's name; gives what it prints.
  run(command, input = "") {
    const options = { cwd: this.folder, input, encoding: "utf8", env: this.environment() };
    return execFileSync(PROGRAM, ["--as", ADMINISTRATOR, ...command], options).trim();
  }

  // Says whose sign-in takes a second factor; a token is asked for none.
  async requireSecondFactor(whom) {
    const made = this.run(["--json", "tokens", "create", "--name", "e2e", "--days", "1"]);
    const headers = {
      authorization: `Bearer ${JSON.parse(made).token}`,
      "content-type": "application/json",
    };
    const body = JSON.stringify({ require_second_factor: whom });
    const answer = await fetch(`${this.base}/api/v1/settings`, { method: "PUT", headers, body });
    if (!answer.ok) throw new Error(`settings: ${answer.status}`);
  }

  // Makes an export in the administrator's name, and waits until it has ended.
  async exportByToken(request) {
    const made = this.run(["--json", "tokens", "create", "--name", "e2e", "--days", "1"]);
    const authorization = `Bearer ${JSON.parse(made).token}`;
    const headers = { authorization, "content-type": "application/json" };
    const body = JSON.stringify(request);
    const answer = await fetch(`${this.base}/api/v1/exports`, { method: "POST", headers, body });
    if (!answer.ok) throw new Error(`exports: ${answer.status}`);
    const { id } = await answer.json();
    const events = await fetch(`${this.base}/api/v1/exports/${id}/events`, {
      headers: { authorization, accept: "text/event-stream" },
    });
    await events.text();
    return id;
  }

  environment() {
    const own = this.base ? { TIDEGATE__SERVER__PUBLIC_URL: this.base } : {};
    // What it says is read; what it logs is not.
    return { PATH: process.env.PATH, RUST_LOG: "off", ...own };
  }

  async serve() {
    const stdio = ["ignore", "ignore", "pipe"];
    const options = { cwd: this.folder, stdio, env: this.environment() };
    this.process = spawn(PROGRAM, ["serve"], options);
    const lines = createInterface({ input: this.process.stderr })[Symbol.asyncIterator]();
    this.base = (await lines.next()).value.replace("tidegate: ready at ", "");
    // It says on the next two lines where the first operator is made, if there is none.
    this.readSetup = async () => {
      await lines.next();
      return (await lines.next()).value.trim();
    };
  }

  async end() {
    const ended = once(this.process, "exit");
    this.process.kill("SIGTERM");
    await ended;
    rmSync(this.folder, { recursive: true });
  }

  // Asks for an export by a cookie; gives it when it has come that far.
  async export(page, request, until = (one) => !["pending", "building"].includes(one.status)) {
    const options = { data: { format: "csv", ...request }, headers: { origin: this.base } };
    const answer = await page.request.post(`${this.base}/api/v1/exports`, options);
    if (!answer.ok()) throw new Error(`export: ${answer.status()} ${await answer.text()}`);
    const { id } = await answer.json();
    for (;;) {
      const now = await this.read(page, `/api/v1/exports/${id}`);
      if (until(now)) return now;
      await page.waitForTimeout(100);
    }
  }

  // Lets a role do more, by the cookie of somebody who may say so.
  async allow(page, role, more) {
    const roles = await this.read(page, "/api/v1/roles");
    const { label, capabilities } = roles.find(({ slug }) => slug === role);
    const data = { label, capabilities: [...capabilities, ...more] };
    const headers = { origin: this.base };
    const answer = await page.request.put(`${this.base}/api/v1/roles/${role}`, { data, headers });
    if (!answer.ok()) throw new Error(`role: ${answer.status()} ${await answer.text()}`);
  }

  // Asks the API by a cookie.
  async read(page, path) {
    const answer = await page.request.get(this.base + path);
    if (!answer.ok()) throw new Error(`${path}: ${answer.status()}`);
    return answer.json();
  }
}

// Is somebody who has signed in once: who signs in all the time is slowed down.
export async function enter(page, site, email = ADMINISTRATOR, password = PASSWORD) {
  site.sessions ??= {};
  if (site.sessions[email]) {
    await page.context().addCookies(site.sessions[email]);
    await page.goto(`${site.base}/sg-admin/`);
  } else {
    await signIn(page, site, email, password);
  }
  await page.locator(".app").waitFor();
  // Without its style sheet a page shows what belongs on a phone.
  await page.waitForLoadState("load");
  site.sessions[email] ??= await page.context().cookies();
}

// Signs in by the form; gives when it was answered, so that whoever goes on takes the cookie along.
export async function signIn(page, site, email = ADMINISTRATOR, password = PASSWORD) {
  await page.goto(`${site.base}/sg-admin/sign-in`);
  await page.getByLabel("Mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  const answered = page.waitForResponse((answer) => answer.request().method() === "POST");
  await page.getByRole("button", { name: "Sign in" }).click();
  await answered;
}
