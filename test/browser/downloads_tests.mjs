// What the download panel promises, through a real client, link and backend.
import assert from "node:assert/strict";

const markup = "<img src=x onerror=alert(1)>.bin";

async function cutNow(page) {
  const id = await page.start("tide-64.bin");
  await page.beyond(10);
  await page.link("Cut now").click();
  await page.untilFact("retries", 1);
  const story = page.page.getByRole("list", { name: "Events, newest first" });
  await story.getByText("retry", { exact: true }).first().waitFor();
  assert.ok(await page.percent() < 100, "it was cut in the middle");
  const { counters } = await page.demo.state("link");
  assert.ok(counters.reset >= 1, "the link counts what it reset");
  await page.doneWithRightDigest(id, "tide-64.bin");
}

async function restartServer(page) {
  const id = await page.start("tide-64.bin");
  await page.beyond(10);
  const before = (await page.demo.state("server")).restarts;
  await page.link("Restart server").click();
  await page.page.getByTestId("link-mood").getByText("server down").waitFor();
  await page.doneWithRightDigest(id, "tide-64.bin");
  assert.equal((await page.demo.state("server")).restarts, before + 1);
}

async function killAndResume(page) {
  const id = await page.start("tide-64.bin");
  await page.beyond(20);
  await page.button("Kill").click();
  await page.state("killed");
  assert.equal(await page.fact("kills"), "1");
  const kept = await page.percent();
  assert.ok(kept >= 20, `${kept} % are left of the 20 % that had arrived`);
  await page.button("Resume").click();
  await page.state("running");
  await page.doneWithRightDigest(id, "tide-64.bin");
  const [download] = await page.demo.state("downloads");
  assert.ok(download.resumed_bytes > 0, "the bytes from before the kill were not fetched again");
  assert.notEqual(await page.fact("kept from before"), "0 B");
}

async function pauseAndResume(page) {
  const id = await page.start("tide-64.bin");
  await page.beyond(10);
  await page.button("Pause").click();
  await page.state("paused");
  assert.equal(await page.fact("kills"), "0");
  await page.button("Resume").click();
  await page.doneWithRightDigest(id, "tide-64.bin");
}

async function offlineAndOnline(page) {
  const id = await page.start("tide-64.bin");
  await page.beyond(10);
  const offline = page.page.getByRole("switch", { name: "Offline" });
  await offline.click();
  await page.page.getByTestId("link-mood").getByText("offline").waitFor();
  assert.equal(await offline.getAttribute("aria-checked"), "true");
  await page.page.getByTestId("rate").getByText("0 B/s", { exact: true }).waitFor();
  const stopped = await page.percent();
  assert.ok(stopped < 100);
  const { counters } = await page.demo.state("link");
  await offline.click();
  await page.doneWithRightDigest(id, "tide-64.bin");
  assert.ok((await page.demo.state("link")).counters.bytes_down > counters.bytes_down);
}

async function stalled(page) {
  const id = await page.start("tide-16.bin", "2");
  await page.beyond(5);
  await page.link("Stall").click();
  await page.page.getByTestId("link-mood").getByText(/stalled, \d+ s left/).waitFor();
  await page.doneWithRightDigest(id, "tide-16.bin");
}

async function markupStaysText(page) {
  const id = await page.start(markup, "1");
  await page.doneWithRightDigest(id, markup);
  assert.equal(await page.detail.getByRole("heading", { level: 2 }).innerText(), markup);
  assert.equal(await page.page.locator("img").count(), 0);
}

async function badUrl(page) {
  await page.page.getByRole("radio", { name: "A URL of your own" }).check();
  await page.button("Start download").click();
  const alert = page.page.locator("#start-problem");
  await alert.getByText("Write the address of a file").waitFor();
  await page.page.getByLabel("Address").fill("ht!tp:// nowhere <b>");
  await page.button("Start download").click();
  await page.until(() => {
    const text = document.querySelector("#start-problem")?.textContent ?? "";
    return text !== "" && !text.startsWith("Write the address");
  });
  const text = await alert.innerText();
  assert.doesNotMatch(text, /answered with status/, "the demo's own sentence is shown");
  assert.ok(await alert.isVisible());
  assert.equal(await page.page.getByLabel("Address").inputValue(), "ht!tp:// nowhere <b>");
  assert.equal(await page.detail.count(), 0);
}

async function missingFile(page, demo) {
  const { address } = await demo.state("server");
  await page.page.getByRole("radio", { name: "A URL of your own" }).check();
  await page.page.getByLabel("Address").fill(`${address}/files/no-such-file.bin`);
  await page.button("Start download").click();
  await page.state("failed");
  const ending = page.detail.getByRole("alert");
  await ending.waitFor();
  assert.match(await ending.innerText(), /404/);
  await page.button("Remove").click();
  await page.page.getByText("Nothing has been downloaded yet").waitFor();
}

async function keyboardOnly(page) {
  const { keyboard } = page.page;
  await keyboard.press("n");
  await keyboard.press("ArrowDown");
  assert.ok(await page.page.getByRole("radio", { name: "tide-64.bin" }).isChecked());
  const ring = await page.page.evaluate(() =>
    getComputedStyle(document.activeElement.closest(".choice")).outlineStyle);
  assert.equal(ring, "solid", "the focus is visible");
  await keyboard.press("Enter");
  await page.detail.waitFor();
  await page.beyond(1);
  await keyboard.press("k");
  await page.state("killed");
  await keyboard.press("p");
  await page.state("running", "done");
}

async function picture(page) {
  await page.start("tide-64.bin", "4");
  await page.until(() => document.querySelectorAll(".picture-got").length >= 4);
  const seen = await page.page.evaluate(() => {
    const fills = (selector) => new Set([...document.querySelectorAll(selector)]
      .map((shape) => getComputedStyle(shape).fill));
    return { colours: fills(".picture-got").size, cards: document.querySelectorAll(".connection-card").length };
  });
  assert.ok(seen.colours >= 3, `each connection has its colour, seen ${seen.colours}`);
  assert.ok(seen.cards >= 3, `each connection has its card, seen ${seen.cards}`);
  await page.detail.getByText("survive a power cut").waitFor();
}

export default [
  { name: "after “Cut now” the connections retry and go on", run: cutNow },
  { name: "a download outlives a restart of the server", run: restartServer },
  { name: "a killed client resumes with the bytes it had", run: killAndResume },
  { name: "pause and resume", run: pauseAndResume },
  { name: "offline stops the bytes, online goes on", run: offlineAndOnline },
  { name: "a stall is shown and waited for", run: stalled },
  { name: "markup in a file's name stays text", run: markupStaysText },
  { name: "a bad URL is answered clearly", run: badUrl, expectedErrors: /status of 4\d\d/ },
  { name: "a missing file says so, and can be removed", run: missingFile },
  { name: "a download by keyboard alone", run: keyboardOnly },
  { name: "the picture shows each connection", run: picture },
];
