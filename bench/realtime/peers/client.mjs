// client.mjs ROLE kind KIND port PORT ...: the peers' side of a row. Roles are those of our program.
import {writeFileSync} from "node:fs";
import {open} from "./connections.mjs";
import {cpu, now, onCommands, options, percentile, say} from "./process.mjs";

const given = options();
const roles = {listener, crowd, pinger};

function listener() {
  const expected = Number(given.expect ?? 0), numbers = [];
  let count = 0, begun = 0, used = 0;
  open(given.kind, given.port, {
    open: (mode, recovered) => say({event: "mode", mode, at: now(), recovered}),
    close: () => say({event: "mode", mode: "disconnected", at: now()}),
    message: (d) => {
      if (count++ === 0) [begun, used] = [now(), cpu()];
      if (expected === 0) numbers.push(d.n);
      if (count === expected) say({count, wall: now() - begun, cpu: cpu() - used});
    },
  });
  onCommands(([word, file]) => {
    if (word === "count") say({count});
    if (word !== "dump") return;
    writeFileSync(file, numbers.map((n) => `${n}\n`).join(""));
    say({dumped: numbers.length});
  });
}

function pinger() {
  const warmUp = 200, rounds = Number(given.rounds ?? 2000) + warmUp, times = [];
  let number = 0, begun = 0, used = 0, started = false;
  const next = () => {
    begun = now();
    connection.publish({n: ++number, pad: "x".repeat(40)});
  };
  const connection = open(given.kind, given.port, {
    // An upgrade is waited for.
    open: (mode) => { if (mode === "websocket" && !started) { started = true; next(); } },
    message: (d) => {
      if (d.n !== number) return;
      if (number > warmUp) times.push((now() - begun) * 1e6);
      if (number === warmUp) used = cpu();
      if (number < rounds) return next();
      times.sort((a, b) => a - b);
      say({p50: percentile(times, 0.5), p99: percentile(times, 0.99), cpu: cpu() - used});
    },
  });
  onCommands(() => {});
}

function crowd() {
  const members = [];
  let marked = 0;
  for (let i = 0; i < Number(given.count ?? 1); ++i) {
    const m = {mode: "", opened: -1, heard: -1};
    members.push(m);
    open(given.kind, given.port, {
      open: (mode) => {
        m.mode = mode;
        if (mode === "websocket" && marked && m.opened < 0) m.opened = now() - marked;
      },
      close: () => { m.mode = ""; },
      message: () => { if (marked && m.heard < 0) m.heard = now() - marked; },
    });
  }
  onCommands(([word]) => {
    if (word === "mark") {
      marked = now();
      for (const m of members) m.opened = m.heard = -1;
    } else if (word === "open") {
      say({open: members.filter((m) => m.mode === "websocket").length});
    } else if (word === "report") {
      say({report: members.map((m) => [m.opened, m.heard])});
    }
  });
}

roles[process.argv[2]]();
