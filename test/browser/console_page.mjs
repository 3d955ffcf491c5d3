// The console as a person meets it: buttons by their names, text as it is shown.
import assert from "node:assert/strict";
import { join } from "node:path";

const waitMs = 30_000;

/** What Chromium itself says of a page's connections over a link that is broken on purpose. */
export const brokenLink = new RegExp(`WebSocket connection to|net::ERR_(${[
  "CONNECTION_RESET", "CONNECTION_REFUSED", "CONNECTION_CLOSED", "EMPTY_RESPONSE", "INCOMPLETE_CHUNKED_ENCODING",
  "SOCKET_NOT_CONNECTED", "CONTENT_LENGTH_MISMATCH",
].join("|")})`);

export class ConsolePage {
  static async create(browser, demo, pictures, options = {}) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light", ...options });
    return new ConsolePage(context, await context.newPage(), demo, pictures);
  }

  constructor(context, page, demo, pictures) {
    Object.assign(this, { context, page, demo, pictures });
    this.faults = [];
    page.setDefaultTimeout(waitMs);
    page.on("console", (message) => {
      // Chromium reports violations of the content security policy here too.
      if (message.type() === "error") this.faults.push(message.text());
    });
    page.on("pageerror", (error) => this.faults.push(`uncaught: ${error.message}`));
    page.on("dialog", (dialog) => {
      this.faults.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    page.on("request", (request) => {
      if (!demo.allows(request.url())) this.faults.push(`request to ${request.url()}`);
    });
  }

  async open(panel = "") {
    await this.page.goto(`${this.demo.origin}/#/${panel}`);
    await this.live();
  }

  close() {
    return this.context.close();
  }

  /** Nothing went wrong behind the page, but for what the test provoked. */
  assertQuiet(expected = /(?!)/) {
    assert.deepEqual(this.faults.filter((fault) => !expected.test(fault)), []);
  }

  button(name) {
    return this.page.getByRole("button", { name, exact: true });
  }

  link(name) {
    return this.page.getByRole("complementary", { name: "The link" }).getByRole("button", { name, exact: true });
  }

  get detail() {
    return this.page.getByTestId("detail");
  }

  /** Whose link the controls break: A, B, This page, All. */
  aim(title) {
    return this.page.getByRole("radio", { name: title, exact: true }).check();
  }

  /** The card of a client of the chat: a, b, page. */
  client(id) {
    return this.page.getByTestId(`client-${id}`);
  }

  /** Waits until a client is connected like this: websocket, polling, filling, disconnected. */
  mode(id, ...modes) {
    const wanted = modes.map((mode) => `[data-test="client-${id}"][data-mode="${mode}"]`).join(",");
    return this.page.locator(wanted).waitFor();
  }

  /** Waits until everybody was given that many messages, and nothing went wrong at anybody. */
  async everybodyHas(offset) {
    await this.until((wanted) => ["a", "b", "page"].every((id) =>
      Number(document.querySelector(`[data-test="client-${id}"]`)?.dataset.offset) >= wanted), offset);
    await this.page.locator('[data-test="verdict"][data-tone="good"]').waitFor();
    for (const id of ["a", "b", "page"]) {
      for (const figure of ["lost", "duplicated", "out of order"])
        assert.equal(await this.client(id).locator(`[data-test="${figure}"] dd`).innerText(), "0", `${id} ${figure}`);
    }
  }

  /** The figure of a fact: retries, kills … */
  async fact(name) {
    return this.page.locator(`[data-test="${name}"] dd`).innerText();
  }

  /** Waits for the page's own connection to say so. */
  connection(words) {
    return this.page.getByTestId("connection").getByText(words, { exact: true }).waitFor();
  }

  live() {
    return this.connection("live");
  }

  async start(file, connections = "4") {
    await this.page.getByRole("radio", { name: file }).check();
    await this.page.getByLabel("Connections").selectOption(connections);
    await this.button("Start download").click();
    await this.detail.getByRole("heading", { name: file }).waitFor();
    return this.detail.getAttribute("data-id");
  }

  state(...states) {
    return this.page.locator(states.map((state) => `.detail[data-state="${state}"]`).join(",")).waitFor();
  }

  percent() {
    return this.page.locator(".figure-percent").innerText().then(parseFloat);
  }

  /** Waits until more than so many percent are there. */
  async beyond(percent) {
    await this.until((least) => parseFloat(document.querySelector(".figure-percent")?.textContent) > least, percent);
  }

  /** Waits for a condition in the page. */
  async until(condition, argument) {
    await this.page.waitForFunction(condition, argument, { timeout: waitMs });
  }

  untilFact(name, least) {
    return this.until(([which, n]) =>
      Number(document.querySelector(`[data-test="${which}"] dd`)?.textContent) >= n, [name, least]);
  }

  /** The page says done and the right digest; and the file on the disk is the one that was served. */
  async doneWithRightDigest(id, name) {
    await this.state("done");
    await this.page.locator('[data-test="digest"][data-verdict="same"]').waitFor();
    const served = await this.demo.digestOf("files", name);
    assert.equal(await this.demo.digestOf("downloads", id, name), served);
    const shown = await this.page.locator(".digest").allInnerTexts();
    assert.deepEqual(shown.map((text) => text.replace(/\s/g, "")), [served, served]);
    assert.equal(await this.percent(), 100);
  }

  /** Nobody has to scroll sideways. */
  async assertNoOverflow() {
    const [needed, given] = await this.page.evaluate(() =>
      [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
    assert.ok(needed <= given, `the page is ${needed} px wide on a screen of ${given}`);
  }

  async keepPicture(name, fullPage = false) {
    if (fullPage) await this.page.evaluate(() => scrollTo(0, 0));
    const file = `${name.replace(/[^a-z0-9]+/gi, "-").toLowerCase()}.png`;
    return this.page.screenshot({ path: join(this.pictures, file), fullPage });
  }
}
