// How it looks: no overflow, enough contrast, and the pictures that are kept.
import assert from "node:assert/strict";
import { brokenLink } from "./console_page.mjs";
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

/** The chat in the middle of a storm, and after it. */
async function storm(page) {
  for (const id of ["a", "b", "page"]) await page.mode(id, "websocket");
  await page.page.getByLabel("Message from A").fill("How high is the water?");
  await page.button("Send as A").click();
  await page.page.getByLabel("Message from This page").fill("Rising. I can see it from here.");
  await page.button("Send as This page").click();
  await page.button("A sends 100").click();
  await page.aim("B");
  await page.link("Cut now").click();
  await page.aim("This page");
  await page.page.keyboard.press("w");
  await page.mode("page", "polling");
}

function chatTheme(name) {
  return async (page) => {
    await page.mode("page", "websocket");
    await assertContrast(page);
    await page.keepPicture(`chat-empty-${name}`, true);
    await storm(page);
    await page.page.keyboard.press("z");
    await page.page.locator('.track-name', { hasText: "down" }).waitFor();
    await page.page.getByLabel("Message from B").fill("Are you there?");
    await page.button("Send as B").click();
    await page.client("b").locator(".bubble-sending").first().waitFor();
    await assertContrast(page);
    await page.keepPicture(`chat-storm-${name}`, true);
    await page.everybodyHas(103);
    await page.page.keyboard.press("w");
    await page.mode("page", "websocket");
    await assertContrast(page);
    await page.keepPicture(`chat-${name}`, true);
  };
}

async function chatPhone(page) {
  await page.mode("page", "websocket");
  await page.assertNoOverflow();
  await page.keepPicture("chat-empty-phone");
  await page.button("A sends 100").click();
  await page.button("More").click();
  await page.assertNoOverflow();
  await page.keepPicture("chat-link-phone");
  await page.page.getByRole("switch", { name: "Block WebSocket" }).click();
  await page.button("Less").click();
  await page.mode("a", "polling");
  await page.assertNoOverflow();
  await page.keepPicture("chat-phone");
  await page.client("b").evaluate((card) => card.scrollIntoView());
  await page.keepPicture("chat-client-phone");
  await page.everybodyHas(100);
}

function notificationsTheme(name) {
  return async (page, demo) => {
    await page.page.getByText("Nothing yet.").waitFor();
    await assertContrast(page);
    await page.keepPicture(`notifications-empty-${name}`, true);
    for (const text of ["The tide is coming in", "High water at 14:20", "The ferry is late"]) {
      await page.page.getByLabel("Tell A something").fill(text);
      await page.button("Publish").click();
      await page.button("Ask now").click();
      await page.page.locator(".inbox-text", { hasText: text }).waitFor();
    }
    await page.page.locator(".polls-picture .poll-same").nth(2).waitFor();
    await demo.command("/demo/server/restart", { down_ms: 20_000 });
    await page.until(() => document.querySelectorAll(".polls-picture .poll-failed").length >= 3);
    await assertContrast(page);
    await page.keepPicture(`notifications-failing-${name}`, true);
    await demo.command("/demo/server/restart", { down_ms: 0 });
    await page.page.getByTestId("errors").waitFor({ state: "detached" });
    await assertContrast(page);
    await page.keepPicture(`notifications-${name}`, true);
  };
}

async function notificationsPhone(page) {
  await page.page.getByText("Nothing yet.").waitFor();
  await page.assertNoOverflow();
  await page.button("Publish").click();
  await page.page.locator(".inbox-text").first().waitFor();
  await page.assertNoOverflow();
  await page.keepPicture("notifications-phone");
}

const phoneScreen = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true, deviceScaleFactor: 2 };

const inChat = { panel: "chat", ownDemo: true, expectedErrors: brokenLink };
const inNotifications = { panel: "notifications", ownDemo: true };

export default [
  { name: "light", run: theme("light") },
  { name: "dark", run: theme("dark"), page: { colorScheme: "dark" } },
  { name: "a phone of 360 px", run: phone, page: phoneScreen },
  { name: "the chat in light", run: chatTheme("light"), ...inChat },
  { name: "the chat in dark", run: chatTheme("dark"), ...inChat, page: { colorScheme: "dark" } },
  { name: "the chat on a phone of 360 px", run: chatPhone, ...inChat, page: phoneScreen },
  { name: "notifications in light", run: notificationsTheme("light"), ...inNotifications },
  { name: "notifications in dark", run: notificationsTheme("dark"), ...inNotifications, page: { colorScheme: "dark" } },
  { name: "notifications on a phone of 360 px", run: notificationsPhone, ...inNotifications, page: phoneScreen },
  { name: "nothing moves for those who asked for that", run: still, page: { reducedMotion: "reduce" } },
];
