// pollers.mjs - port PORT count N seconds S: TanStack query-core, one query for each poller with
// refetchInterval 1000, conditional GETs by an agent that keeps 64 connections. Lateness: from a
// second after a poll began to the begin of the next.
import http from "node:http";
import {cpu, now, onCommands, options, percentile, say} from "./process.mjs";

globalThis.window = {};  // without it query-core takes itself for a server, which never refetches
const {QueryClient, QueryObserver} = await import("@tanstack/query-core");

const given = options(), seconds = Number(given.seconds);
const agent = new http.Agent({keepAlive: true, maxSockets: 64});
const late = [];
let counting = false, polls = 0, changes = 0, failures = 0;

function get(tag) {
  return new Promise((resolve, reject) => {
    const headers = tag ? {"If-None-Match": tag} : {};
    const where = {agent, host: "127.0.0.1", port: given.port, path: "/files/state.json", headers};
    const request = http.get(where, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({status: answer.statusCode, tag: answer.headers.etag,
                                      text: Buffer.concat(parts).toString()}));
      answer.on("error", reject);
    });
    request.on("error", reject);
  });
}

function poll(client, i) {
  let begun = 0, last = {tag: "", text: ""};
  const queryFn = async () => {
    const at = now();
    if (counting && begun) late.push((at - begun - 1) * 1e3);
    begun = at;
    try {
      const answer = await get(last.tag);
      const changed = answer.status === 200;
      if (changed) last = {tag: answer.tag, text: answer.text};
      if (counting) { ++polls; changes += changed; failures += answer.status >= 400; }
      return last.text;
    } catch (error) {
      failures += counting;
      throw error;
    }
  };
  new QueryObserver(client, {queryKey: ["state", i], queryFn, refetchInterval: 1000,
                             refetchIntervalInBackground: true, staleTime: 0, retry: false,
                             networkMode: "always"}).subscribe(() => {});
}

const client = new QueryClient();
client.mount();
for (let i = 0; i < Number(given.count); ++i) setTimeout(() => poll(client, i), Math.random() * 1000);
setTimeout(() => {
  counting = true;
  const used = cpu();
  setTimeout(() => {
    counting = false;
    late.sort((a, b) => a - b);
    say({polls, changes, failures, p50: percentile(late, 0.5), p99: percentile(late, 0.99),
         cpu: (cpu() - used) / seconds});
  }, seconds * 1000);
}, 4000);
onCommands(() => {});
