// How it looks: no overflow, enough contrast, and the pictures that are kept.
import assert from "node:assert/strict";
import { lowContrast } from "./contrast.mjs";

/** A download in the middle of its work, that was cut once. */
async function busy(page) {
  const id = await page.start("tide-256.bin", "6");
  await page.beyond(3);
  await page.link("Cut now").click();
  await page.untilFact("retries", 1);
  await page.beyond(35);
  await page.until(() => document.querySelectorAll(".connection-card").length >= 5);
  return id;
}

async function assertContrast(page) {
  assert.deepEqual(await page.page.evaluate(lowContrast), []);
}

function theme(name) {
  return async (page) => {
    await assertContrast(page);
    await page.keepPicture(`empty-${name}`);
    await busy(page);
    await assertContrast(page);
    await page.keepPicture(`downloads-${name}`, true);
    await page.button("Kill").click();
    await page.state("killed");
    await assertContrast(page);
    await page.keepPicture(`killed-${name}`, true);
    await page.button("Resume").click();
    await page.state("done");
    await assertContrast(page);
    await page.keepPicture(`done-${name}`, true);
    await page.page.keyboard.press("?");
    await page.page.getByRole("dialog").waitFor();
    await page.keepPicture(`help-${name}`);
  };
}

async function phone(page) {
  await page.assertNoOverflow();
  await busy(page);
  await page.assertNoOverflow();
  await page.page.locator(".detail").evaluate((detail) => detail.scrollIntoView());
  await page.keepPicture("downloads-phone");
  await page.button("More").click();
  await page.assertNoOverflow();
  await page.keepPicture("link-phone");
  await page.button("Less").click();
  await page.button("Kill").click();
  await page.state("killed");
  await page.assertNoOverflow();
  await page.button("Help and shortcuts").click();
  await page.page.getByRole("dialog").waitFor();
  await page.assertNoOverflow();
}

async function still(page) {
  await busy(page);
  const moving = await page.page.evaluate(() => document.getAnimations().length);
  assert.equal(moving, 0);
}

const phoneScreen = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

export default [
  { name: "light", run: theme("light") },
  { name: "dark", run: theme("dark"), page: { colorScheme: "dark" } },
  { name: "a phone of 360 px", run: phone, page: phoneScreen },
  { name: "nothing moves for those who asked for that", run: still, page: { reducedMotion: "reduce" } },
];
