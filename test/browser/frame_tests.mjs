// The frame around the panels: connection, controls, help, themes.
import assert from "node:assert/strict";

async function teaches(page) {
  await page.page.getByText("Nothing has been downloaded yet").waitFor();
  await page.page.getByText("Press “Cut now”.").waitFor();
}

async function landmarks(page) {
  for (const role of ["banner", "main", "complementary"])
    assert.equal(await page.page.getByRole(role).count(), 1, role);
  const tab = page.page.getByRole("navigation", { name: "Panels" }).getByRole("link", { name: "Downloads" });
  assert.equal(await tab.getAttribute("aria-current"), "page");
  const unnamed = await page.page.evaluate(() =>
    [...document.querySelectorAll("button, input, select, a")]
      .filter((one) => !(one.ariaLabel || one.textContent.trim() || one.labels?.length))
      .map((one) => one.outerHTML));
  assert.deepEqual(unnamed, []);
}

async function reconnects(page, demo) {
  await demo.kill();
  await page.connection("reconnecting…");
  await demo.relaunch();
  await page.live();
  await page.page.getByText("The demo was started anew.").waitFor();
  const { instance } = await demo.state("demo");
  await page.page.keyboard.press("?");
  await page.page.getByText(instance).waitFor();
}

async function commandWithoutDemo(page, demo) {
  await demo.kill();
  await page.link("Cut now").click();
  await page.page.getByText("The demo does not answer.").waitFor();
}

async function sliders(page, demo) {
  const latency = page.page.getByRole("slider", { name: "Latency" });
  await latency.focus();
  await page.page.keyboard.press("ArrowRight");
  await page.until(() => document.querySelector(".slider output")?.textContent === "50 ms");
  while ((await demo.state("link")).latency_ms !== 50);
  await page.link("Train").click();
  await page.page.locator('.chip[aria-pressed="true"]', { hasText: "Train" }).waitFor();
  const link = await demo.state("link");
  assert.deepEqual([link.latency_ms, link.loss_percent, link.reset_percent_per_mib], [200, 5, 10]);
  assert.equal(await latency.getAttribute("aria-valuetext"), "200 ms");
}

async function twoPages(page, demo) {
  const other = await page.context.newPage();
  await other.goto(demo.origin);
  await page.page.getByRole("switch", { name: "Offline" }).click();
  await other.locator('[role="switch"][aria-checked="true"]').waitFor();
}

async function help(page) {
  await page.page.keyboard.press("?");
  const dialog = page.page.getByRole("dialog", { name: "What this page is" });
  await dialog.getByText("Cut every connection now").waitFor();
  await dialog.getByLabel("Single-key shortcuts").uncheck();
  await page.page.keyboard.press("Escape");
  await dialog.waitFor({ state: "hidden" });
  await page.page.keyboard.press("o");
  await page.page.reload();
  await page.live();
  await page.page.keyboard.press("o");
  assert.equal(await page.page.getByRole("switch", { name: "Offline" }).getAttribute("aria-checked"), "false");
  await page.page.keyboard.press("?");
  await page.page.getByLabel("Single-key shortcuts").check();
  await page.page.keyboard.press("Escape");
  await page.page.keyboard.press("o");
  await page.page.locator('[role="switch"][aria-checked="true"]').waitFor();
}

async function themeIsRemembered(page) {
  const ground = () => page.page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const light = await ground();
  await page.button("Switch to dark").click();
  const dark = await ground();
  assert.notEqual(dark, light);
  await page.page.reload();
  await page.live();
  assert.equal(await ground(), dark);
  await page.button("Switch to light").click();
  assert.equal(await ground(), light);
}

async function firstTab(page) {
  await page.page.keyboard.press("Tab");
  await page.page.keyboard.press("Enter");
  assert.equal(await page.page.evaluate(() => document.activeElement.tagName), "MAIN");
}

const demoGone = /ERR_CONNECTION_REFUSED|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/;

export default [
  { name: "an empty page teaches", run: teaches },
  { name: "landmarks and names", run: landmarks },
  { name: "the page finds a demo that was killed and started again", run: reconnects, ownDemo: true,
    expectedErrors: demoGone },
  { name: "a command without a demo says so", run: commandWithoutDemo, ownDemo: true, expectedErrors: demoGone },
  { name: "sliders and kinds of link reach the link", run: sliders },
  { name: "two pages agree", run: twoPages },
  { name: "help, and shortcuts that can be switched off", run: help },
  { name: "the theme is remembered", run: themeIsRemembered },
  { name: "the first tab stop skips to the panel", run: firstTab },
];
