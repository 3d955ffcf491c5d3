// server.mjs ws|socketio port PORT publish PORT: a peer's own server. Obeys `burst COUNT BYTES`,
// `rate HZ` and `refuse 0|1` (WebSockets of Socket.IO alone). On the second port publishers send
// {n, pad}; each is acknowledged when it was given to all who are connected.
import {createServer} from "node:http";
import {Server} from "socket.io";
import {WebSocketServer} from "ws";
import {onCommands, options, say} from "./process.mjs";

const given = options();
const highWater = 1 << 20;
let refusing = false;

function plainServer(server) {
  const subscribers = new Set();
  const sockets = new WebSocketServer({server});
  const broadcast = (d) => {
    const text = JSON.stringify({t: "msg", ch: "room", d});
    for (const s of subscribers) s.send(text);
  };
  sockets.on("connection", (socket) => {
    socket.on("error", () => {});
    socket.on("close", () => subscribers.delete(socket));
    socket.on("message", (data) => {
      const frame = JSON.parse(data.toString());
      if (frame.t === "hello") {
        subscribers.add(socket);
        socket.send('{"t":"welcome"}');
      } else if (frame.t === "pub") {
        broadcast(frame.d);
        socket.send(JSON.stringify({t: "ack", id: frame.id}));
      }
    });
  });
  const full = () => [...subscribers].some((s) => s.bufferedAmount > highWater);
  return {broadcast, full};
}

// With recovery for two minutes; dead connections are noticed within 4 s.
function socketIoServer(server) {
  const best = given.settings === "best" ? {
    connectionStateRecovery: {maxDisconnectionDuration: 120000, skipMiddlewares: true},
    pingInterval: 2000, pingTimeout: 2000,
  } : {};
  const io = new Server(server, best);
  // Sees upgrades of a polling connection too, which allowRequest does not.
  io.engine.use((request, _, next) => {
    const wanted = new URL(request.url, "http://localhost").searchParams.get("transport");
    next(refusing && wanted === "websocket" ? new Error("refused") : undefined);
  });
  io.on("connection", (socket) => socket.on("pub", (d) => io.emit("msg", d)));
  const waiting = ({conn}) => conn.transport.socket?.bufferedAmount ?? 0;
  const full = () => [...io.sockets.sockets.values()].some(
      (s) => s.conn.writeBuffer.length > 1000 || waiting(s) > highWater);
  const refuse = (on) => {
    refusing = on;
    if (!on) return;
    for (const {conn} of io.sockets.sockets.values())
      if (conn.transport.name === "websocket") conn.close();
  };
  return {broadcast: (d) => io.emit("msg", d), full, refuse};
}

const server = createServer((_, answer) => { answer.statusCode = 404; answer.end(); });
const hub = process.argv[2] === "ws" ? plainServer(server) : socketIoServer(server);
const publishers = new WebSocketServer({port: Number(given.publish ?? 0), host: "127.0.0.1"});
publishers.on("connection", (socket) => {
  socket.on("error", () => {});
  socket.on("message", (data) => {
    const d = JSON.parse(data.toString());
    hub.broadcast(d);
    socket.send(String(d.n));
  });
});

let number = 0;
function payload(bytes) {
  const d = {n: ++number, pad: ""};
  d.pad = "x".repeat(Math.max(0, bytes - JSON.stringify(d).length));
  return d;
}
function burst(left, bytes) {
  if (!hub.full()) for (let i = 0; i < 500 && left > 0; ++i, --left) hub.broadcast(payload(bytes));
  if (left > 0) setImmediate(() => burst(left, bytes));
}
let timer;
function pace(hz) {
  clearInterval(timer);
  let sent = 0;
  const begun = performance.now();
  if (hz > 0) timer = setInterval(() => {
    const due = (performance.now() - begun) / 1000 * hz;
    for (; sent < due; ++sent) hub.broadcast(payload(64));
  }, 20);
}

onCommands(([word, a, b]) => {
  if (word === "burst") burst(Number(a), Number(b));
  if (word === "rate") pace(Number(a));
  if (word === "refuse") hub.refuse?.(a === "1");
});
server.listen(Number(given.port ?? 0), "127.0.0.1", 4096, () =>
    say({port: server.address().port, publish: publishers.address().port}));
