// What the chat panel promises: three clients, each behind a link that breaks, and nothing goes wrong.
import assert from "node:assert/strict";
import { brokenLink } from "./console_page.mjs";

const markup = "<img src=x onerror=alert(1)>";

async function everybodyConnected(page) {
  for (const id of ["a", "b", "page"]) await page.mode(id, "websocket");
}

async function say(page, id, text) {
  const name = id === "page" ? "This page" : id.toUpperCase();
  await page.page.getByLabel(`Message from ${name}`).fill(text);
  await page.button(`Send as ${name}`).click();
}

/** A's burst, and what is broken in the middle of it. */
async function burstWhile(page, broken) {
  await everybodyConnected(page);
  await page.button("A sends 100").click();
  await page.until(() => Number(document.querySelector('[data-test="client-b"]')?.dataset.offset) >= 10);
  await broken();
  await page.everybodyHas(100);
}

/** What the demo itself says, not the page. */
async function clientOf(demo, id) {
  return (await demo.state("chat")).clients.find((client) => client.id === id);
}

async function talk(page) {
  await page.page.getByText("Let A send 100 messages.").waitFor();
  await everybodyConnected(page);
  await say(page, "a", "Is the water high?");
  await say(page, "b", "Very!");
  await say(page, "page", `and rising ${markup}`);
  await page.everybodyHas(3);
  for (const id of ["a", "b", "page"]) {
    const shown = await page.client(id).locator(".bubble-text").allInnerTexts();
    assert.deepEqual(shown.toSorted(), ["Is the water high?", "Very!", `and rising ${markup}`].toSorted());
    await page.client(id).getByText("nothing on the way").waitFor();
  }
  assert.equal(await page.page.locator("main img").count(), 0);
  assert.equal(await page.page.getByLabel("Message from A").inputValue(), "");
  await page.until(() => /3 compared/.test(document.querySelector('[data-test="client-b"] .proof')?.textContent));
}

async function cut(page, demo) {
  await page.aim("All");
  await burstWhile(page, async () => {
    await page.link("Cut now").click();
    await page.mode("a", "filling", "disconnected");
  });
  await everybodyConnected(page);
  for (const id of ["a", "b"]) {
    const { figures } = await clientOf(demo, id);
    assert.equal(figures.received, 100);
    assert.equal(figures.compared, 100);
    assert.deepEqual([figures.lost, figures.duplicated, figures.out_of_order, figures.different], [0, 0, 0, 0]);
  }
  await page.page.getByText("every connection was reset").first().waitFor();
}

async function blocked(page, demo) {
  await page.aim("All");
  const block = page.page.getByRole("switch", { name: "Block WebSocket" });
  await burstWhile(page, async () => {
    await block.click();
    for (const id of ["a", "b", "page"]) await page.mode(id, "polling");
  });
  await say(page, "page", "by post");
  await page.everybodyHas(101);
  assert.equal((await demo.state("links")).page.block_websocket, true);
  assert.equal((await clientOf(demo, "b")).mode, "polling");
  await block.click();
  await everybodyConnected(page);
  await say(page, "page", "by socket");
  await page.everybodyHas(102);
}

async function serverRestarted(page, demo) {
  await burstWhile(page, () => page.link("Restart server").click());
  await everybodyConnected(page);
  assert.ok((await demo.state("server")).restarts >= 1);
  const { server } = await demo.state("chat");
  assert.ok(server.bars.some((bar) => bar.state === "down"));
}

async function serverKilled(page) {
  await burstWhile(page, async () => {
    await page.link("Kill server").click();
    await page.page.getByText("the server was killed").first().waitFor();
    await say(page, "page", "said while it was down");
    await page.client("page").getByText("1 on the way").waitFor();
  });
  await page.everybodyHas(101);
  await everybodyConnected(page);
}

async function halfOpen(page) {
  await page.aim("All");
  await burstWhile(page, async () => {
    await page.link("Half-open").click();
    for (const id of ["a", "b", "page"]) await page.mode(id, "filling", "polling");
  });
  await everybodyConnected(page);
  await page.client("page").getByText("100").first().waitFor();
}

async function onlyOneLink(page, demo) {
  await everybodyConnected(page);
  await page.aim("B");
  await page.page.getByRole("switch", { name: "Offline" }).click();
  await page.button("A sends 100").click();
  await page.until(() => Number(document.querySelector('[data-test="client-page"]')?.dataset.offset) >= 100);
  await page.page.getByText(/Behind: .*B by \d+/).waitFor();
  assert.equal((await clientOf(demo, "b")).figures.received, 0);
  const { a, b } = await demo.state("links");
  assert.deepEqual([a.offline, b.offline], [false, true]);
  await page.page.getByRole("switch", { name: "Offline" }).click();
  await page.everybodyHas(100);
}

async function reloaded(page) {
  await everybodyConnected(page);
  await say(page, "page", "before");
  await page.everybodyHas(1);
  await page.page.reload();
  await page.live();
  await everybodyConnected(page);
  // Where it was: what it had is shown again, and is not received again.
  await page.client("page").getByText("before").waitFor();
  await say(page, "page", "after");
  await page.everybodyHas(2);
  assert.equal(await page.client("page").locator('[data-test="received"] dd').innerText(), "1");
}

async function byKeyboard(page) {
  await everybodyConnected(page);
  const { keyboard } = page.page;
  await keyboard.press("m");
  await keyboard.type("typed");
  await keyboard.press("Enter");
  await page.everybodyHas(1);
  await page.page.getByRole("heading", { name: "Chat" }).click();
  await page.page.getByRole("radio", { name: "A", exact: true }).focus();
  await keyboard.press("ArrowRight");
  assert.ok(await page.page.getByRole("radio", { name: "B", exact: true }).isChecked());
  await keyboard.press("w");
  await page.page.locator('[role="switch"][aria-checked="true"]', { hasText: "Block WebSocket" }).waitFor();
  await page.mode("b", "filling", "polling");
  await page.mode("a", "websocket");
  await keyboard.press("b");
  await page.everybodyHas(101);
}

async function anotherDemo(page, demo) {
  await everybodyConnected(page);
  await demo.kill();
  await demo.relaunch();
  await page.button("Load the page again").click();
  await page.live();
  await everybodyConnected(page);
  await say(page, "a", "there again");
  await page.page.getByText("there again").first().waitFor();
}

const inChat = { panel: "chat", ownDemo: true, expectedErrors: brokenLink };

export default [
  { name: "chat: three clients talk, and texts are texts", run: talk, ...inChat },
  { name: "chat: sockets that are cut", run: cut, ...inChat },
  { name: "chat: WebSocket blocked, polling, and back", run: blocked, ...inChat },
  { name: "chat: the server restarted", run: serverRestarted, ...inChat },
  { name: "chat: the server killed", run: serverKilled, ...inChat },
  { name: "chat: half-open sockets", run: halfOpen, ...inChat },
  { name: "chat: one link alone goes offline", run: onlyOneLink, ...inChat },
  { name: "chat: a page that is loaded again goes on where it was", run: reloaded, ...inChat },
  { name: "chat: by keyboard", run: byKeyboard, ...inChat },
  { name: "chat: another demo is joined by loading the page again", run: anotherDemo, ...inChat },
];
