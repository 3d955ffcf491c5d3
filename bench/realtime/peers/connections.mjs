// One connection of each kind, by the same four words: open(mode), close(), message(data, raw), and
// publish(data). Those over plain WebSockets say our wire's hello, which both servers understand.
import {WebSocket as ReconnectingWebSocket} from "partysocket";
import {io} from "socket.io-client";
import WebSocket from "ws";

const hello = JSON.stringify({t: "hello", v: 1, client: "peer", channels: {room: {}}});
let published = 0;
const prefix = Math.random().toString(36).slice(2);

// What an application does with a frame: it parses it, and looks what it is.
function take(text, on) {
  const frame = JSON.parse(text);
  if (frame.t === "welcome") on.open("websocket");
  else if (frame.t === "msg") on.message(frame.d);
}

const publication = (d) =>
    JSON.stringify({t: "pub", id: `${prefix}:${++published}`, ch: "room", d});

// As it is written everywhere: again after 1 s, 2 s, 4 s … at most 30 s, with jitter.
function plain(port, on) {
  let attempts = 0, socket;
  const connect = () => {
    socket = new WebSocket(`ws://127.0.0.1:${port}/realtime/peer`, {handshakeTimeout: 5000});
    socket.on("open", () => { attempts = 0; socket.send(hello); });
    socket.on("message", (data) => take(data.toString(), on));
    socket.on("error", () => {});
    socket.on("close", () => {
      on.close();
      const limit = Math.min(1000 * 2 ** attempts++, 30000);
      setTimeout(connect, limit / 2 + Math.random() * limit / 2);
    });
  };
  connect();
  return {publish: (d) => socket.send(publication(d))};
}

// Frames are counted and not looked at: what the edge costs.
function frames(port, on) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/realtime/peer`);
  let welcome = false;
  socket.on("open", () => socket.send(hello));
  socket.on("message", (data) => {
    if (welcome) return on.message(data);
    welcome = true;
    on.open("websocket");
  });
}

function party(port, on) {
  const socket = new ReconnectingWebSocket(`ws://127.0.0.1:${port}/realtime/peer`, [], {
    WebSocket,
    // Its default, which it draws once for a process, drawn for each connection as if it had one.
    minReconnectionDelay: 1000 + Math.random() * 4000,
  });
  socket.addEventListener("open", () => socket.send(hello));
  socket.addEventListener("message", (event) => take(event.data, on));
  socket.addEventListener("close", () => on.close());
  socket.addEventListener("error", () => {});
  return {publish: (d) => socket.send(publication(d))};
}

// `best`: soon back. Its order of transports, polling and then the upgrade, is the default: one that
// begins with WebSocket and falls back to polling stays there.
const best = {reconnectionDelay: 100, reconnectionDelayMax: 1000, timeout: 5000};

function socketIo(port, on, settings = {}) {
  const socket = io(`http://127.0.0.1:${port}`, {forceNew: true, ...settings});
  socket.on("connect", () => {
    const engine = socket.io.engine;
    on.open(engine.transport.name === "websocket" ? "websocket" : "polling", socket.recovered);
    engine.on("upgrade", () => on.open("websocket"));
  });
  socket.on("disconnect", () => on.close());
  socket.on("msg", (d) => on.message(d));
  return {publish: (d) => socket.emit("pub", d)};
}

const silent = {open() {}, close() {}, message() {}};

export function open(kind, port, listeners) {
  const on = {...silent, ...listeners};
  if (kind === "ws") return plain(port, on);
  if (kind === "frames") return frames(port, on);
  if (kind === "partysocket") return party(port, on);
  return socketIo(port, on, kind === "socketio-best" ? best : {});
}
