// What the notifications panel promises, through a real poller, link and backend.
import assert from "node:assert/strict";

const markup = "<b onclick=alert(1)>high water</b>";

async function publish(page, text) {
  await page.page.getByLabel("Tell A something").fill(text);
  await page.button("Publish").click();
}

function unread(page, count) {
  return page.page.getByTestId("unread").getByText(`${count} unread`).waitFor();
}

async function arrive(page, demo) {
  await page.page.getByText("Nothing yet.").waitFor();
  await unread(page, 0);
  await publish(page, "first");
  await publish(page, markup);
  await unread(page, 2);
  assert.deepEqual(await page.page.locator(".inbox-text").allInnerTexts(), [markup, "first"]);
  assert.equal(await page.page.locator(".tab-badge").innerText().then(parseFloat), 2);
  await page.button("Mark all read").click();
  await unread(page, 0);
  assert.equal(await page.page.locator(".tab-badge").count(), 0);
  await page.page.reload();
  await page.live();
  await unread(page, 0);
  await publish(page, "third");
  await unread(page, 1);
  assert.equal((await demo.state("notifications")).received, 3);
}

async function adapts(page, demo) {
  await page.until(() => Number(document.querySelector('[data-test="304 not modified"] dd')?.textContent) >= 2);
  const quiet = (await demo.state("notifications")).interval_ms;
  for (let i = 0; i < 5; i++) {
    await publish(page, `news ${i}`);
    await page.button("Ask now").click();
    await page.page.getByText(`news ${i}`).waitFor();
  }
  const busy = (await demo.state("notifications")).interval_ms;
  assert.ok(busy < quiet, `${busy} ms after news, ${quiet} ms before`);
  assert.ok(await page.page.locator(".polls-picture .poll-news").count() >= 5);
  assert.ok(await page.page.locator(".polls-picture .poll-same").count() >= 2);
}

async function failsAndRecovers(page, demo) {
  await page.until(() => Number(document.querySelector('[data-test="polls"] dd')?.textContent) >= 1);
  await demo.command("/demo/server/restart", { down_ms: 60_000 });
  await page.page.getByTestId("errors").waitFor();
  await page.page.getByText("It goes on asking, more slowly.").waitFor();
  await page.page.locator(".polls-picture .poll-failed").first().waitFor();
  await publish(page, "kept for later");
  await page.page.getByText("publish it again when it is back").waitFor();
  assert.equal(await page.page.getByLabel("Tell A something").inputValue(), "kept for later");
  await demo.command("/demo/server/restart", { down_ms: 0 });
  await page.page.locator('.link-picture:not(.link-down)').waitFor();
  await page.button("Publish").click();
  await page.page.locator(".inbox-text", { hasText: "kept for later" }).waitFor();
  await page.page.getByTestId("errors").waitFor({ state: "detached" });
}

const inPanel = { panel: "notifications", ownDemo: true };

export default [
  { name: "notifications arrive, newest first, and are read", run: arrive, ...inPanel },
  { name: "notifications: the interval follows the news", run: adapts, ...inPanel },
  { name: "notifications: failures back off and recover", run: failsAndRecovers, ...inPanel, expectedErrors: /status of 503/ },
];
