// publisher.mjs - port PORT rate HZ seconds S out FILE: numbers, by one WebSocket at a time. What
// was not acknowledged when the connection ended is not sent again and does not count; what was
// made meanwhile is sent after. FILE has "NUMBER NUMBER" of each acknowledged one.
import {writeFileSync} from "node:fs";
import WebSocket from "ws";
import {now, onCommands, options, say} from "./process.mjs";

const given = options(), rate = Number(given.rate), all = rate * Number(given.seconds);
const pad = "x".repeat(40), acked = [];
let made = 0, sent = 0, begun = 0, socket, waiting = new Set();

function connect() {
  socket = new WebSocket(`ws://127.0.0.1:${given.port}`);
  socket.on("open", () => say({connected: "websocket"}));
  socket.on("message", (data) => {
    const n = Number(data.toString());
    waiting.delete(n);
    acked.push(n);
  });
  socket.on("error", () => {});
  socket.on("close", () => { waiting.clear(); setTimeout(connect, 50); });
}

function pace() {
  made = Math.min(all, Math.floor((now() - begun) * rate));
  while (sent < made && socket.readyState === WebSocket.OPEN && waiting.size < 1024) {
    waiting.add(++sent);
    socket.send(JSON.stringify({n: sent, pad}));
  }
  if (sent === all && waiting.size === 0) {
    writeFileSync(given.out, acked.map((n) => `${n} ${n}\n`).join(""));
    return say({acked: acked.length, of: all, answered_again: 0});
  }
  setTimeout(pace, 1);
}

connect();
onCommands(([word]) => {
  if (word === "go") { begun = now(); pace(); }
});
