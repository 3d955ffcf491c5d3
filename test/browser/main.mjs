// Runs the tests one after another: each has a browser context of its own, most share a demo.
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { resolve } from "node:path";
import { Demo } from "./demo.mjs";
import { ConsolePage } from "./console_page.mjs";
import chat from "./chat_tests.mjs";
import downloads from "./downloads_tests.mjs";
import frame from "./frame_tests.mjs";
import looks from "./looks_tests.mjs";
import notifications from "./notifications_tests.mjs";

const root = fileURLToPath(new URL("../..", import.meta.url));
const { chromium, selectors } = createRequire(resolve(root, "console/package.json"))("playwright-core");
selectors.setTestIdAttribute("data-test");

const [binary, ...wanted] = process.argv.slice(2);
const pictures = resolve(process.env.TIDEWIRE_SCREENSHOTS ?? resolve(root, "build/screenshots"));
mkdirSync(pictures, { recursive: true });

const testTimeoutMs = 120_000;
const flags = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
];

/** Fails a test that hangs, and says so. */
function limited(work, ms) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${ms / 1000} s`)), ms);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function runOne(test, browser, shared) {
  const demo = test.ownDemo ? await Demo.start(resolve(binary)) : shared;
  if (!test.ownDemo) await demo.reset();
  const page = await ConsolePage.create(browser, demo, pictures, test.page);
  try {
    await page.open(test.panel);
    await limited(test.run(page, demo), testTimeoutMs);
    page.assertQuiet(test.expectedErrors);
  } catch (error) {
    await page.keepPicture(`failed-${test.name}`).catch(() => {});
    throw error;
  } finally {
    await page.close();
    if (test.ownDemo) await demo.stop();
  }
}

// A browser sends nothing anywhere but to the demo; its profile is a fresh one that playwright removes.
const browser = await chromium.launch({
  executablePath: process.env.TIDEWIRE_CHROMIUM ?? "/usr/bin/chromium", headless: true, args: flags,
});
const shared = await Demo.start(resolve(binary));
let passed = 0;
let failed = 0;
try {
  for (const test of [...frame, ...downloads, ...chat, ...notifications, ...looks]) {
    if (wanted.length > 0 && !wanted.some((part) => test.name.includes(part))) continue;
    const begin = Date.now();
    try {
      await runOne(test, browser, shared);
      passed++;
      console.log(`ok    ${test.name} (${((Date.now() - begin) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(`FAIL  ${test.name}\n${error.stack}`);
    }
  }
} finally {
  await browser.close();
  await shared.stop();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
