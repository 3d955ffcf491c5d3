// A `tidewire demo` of the tests' own, on a free port, with its data in a temporary folder.
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { createReadStream, mkdtempSync, rmSync } from "node:fs";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

const startTimeoutMs = 60_000;
/** Slow enough that a person, or a test, can do something meanwhile. */
const calmLink = {
  latency_ms: 20, jitter_ms: 5, loss_percent: 0, bytes_per_second: 4 * 1024 * 1024, reset_percent_per_mib: 0,
  offline: false,
};

export class Demo {
  static async start(binary) {
    const demo = new Demo(binary, mkdtempSync(join(tmpdir(), "tidewire-browser-")));
    await demo.launch("127.0.0.1:0");
    return demo;
  }

  constructor(binary, data) {
    this.binary = binary;
    this.data = data;
    this.pageLinks = [];
  }

  async launch(listen) {
    this.child = spawn(this.binary, ["demo", "--listen", listen, "--data", this.data],
      { stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(this.child, "exit").then(([code, signal]) => {
      throw new Error(`tidewire demo ended with ${code ?? signal} before it listened`);
    });
    const late = AbortSignal.timeout(startTimeoutMs);
    const address = this.firstAddress(late);
    this.origin = await Promise.race([address, ended]);
    ended.catch(() => {});
    // Where the page's own link to the message hub listens.
    this.pageLinks.push((await this.state("chat")).page.http);
  }

  async firstAddress(signal) {
    for await (const line of createInterface({ input: this.child.stdout, signal })) {
      const found = /^console on (http:\S+)$/.exec(line);
      if (found) return found[1];
    }
    throw new Error("tidewire demo did not print its address");
  }

  /** SIGKILL: it says nothing to anybody. */
  async kill() {
    this.child.kill("SIGKILL");
    await once(this.child, "exit");
  }

  /** Comes back where it was. */
  relaunch() {
    return this.launch(new URL(this.origin).host);
  }

  async stop() {
    if (this.child.exitCode === null && this.child.signalCode === null) {
      this.child.kill("SIGTERM");
      await once(this.child, "exit");
    }
    rmSync(this.data, { recursive: true, force: true });
  }

  async command(path, body = {}) {
    const response = await fetch(this.origin + path, {
      method: "POST",
      headers: { "Content-Type": "application/json", Origin: this.origin },
      body: JSON.stringify(body),
    });
    if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`);
  }

  /** What a topic says now. */
  async state(topic) {
    const controller = new AbortController();
    const response = await fetch(`${this.origin}/events`, { signal: controller.signal });
    let text = "";
    try {
      for await (const chunk of response.body.pipeThrough(new TextDecoderStream())) {
        text += chunk;
        const found = new RegExp(`^event: ${topic}\ndata: (.*)\n`, "m").exec(text);
        if (found) return JSON.parse(found[1]);
      }
    } finally {
      controller.abort();
    }
    throw new Error(`/events did not send ${topic}`);
  }

  /** Whether a page may send requests there. */
  allows(url) {
    return [this.origin, ...this.pageLinks].some((origin) => url.startsWith(`${origin}/`));
  }

  /** No downloads, and calm links. */
  async reset() {
    for (const id of ["a", "b", "page"])
      await this.command(`/demo/links/${id}`, { ...calmLink, block_websocket: false });
    await this.command("/demo/link", calmLink);
    for (const { id } of await this.state("downloads")) await this.command(`/demo/downloads/${id}/remove`);
  }

  async digestOf(...path) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(this.data, ...path)), hash);
    return hash.digest("hex");
  }
}
