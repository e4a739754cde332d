// Event streams by better-sse on Node's own HTTP server: a session each, all in one channel, as its
// guides have it. Data travels as it is instead of as JSON, and pings come at pode_py's interval.

import { createServer } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

import { createChannel, createSession } from "better-sse";

const SIZE = 64;
const PING_MS = 15_000;

const channel = createChannel();

function payload() {
  const moment = process.hrtime.bigint().toString().padStart(20, "0");
  return `@${moment} `.padEnd(SIZE, "x");
}

async function events(request, response) {
  const asIs = { serializer: String, keepAlive: PING_MS };
  channel.register(await createSession(request, response, asIs));
}

async function burst(_, response, query) {
  for (let left = Number(query.get("n")); left > 0; left--) channel.broadcast(payload());
  response.end("sent");
}

async function paced(_, response, query) {
  let due = performance.now();
  for (let left = Number(query.get("n")); left > 0; left--) {
    channel.broadcast(payload());
    due += Number(query.get("interval_ms"));
    await sleep(Math.max(0, due - performance.now()));
  }
  response.end("sent");
}

function plain(_, response) {
  response.setHeader("Content-Type", "text/plain");
  response.end("hello");
}

const routes = { "/plain": plain, "/events": events, "/burst": burst, "/paced": paced };

createServer(async (request, response) => {
  const { pathname, searchParams } = new URL(request.url, "http://127.0.0.1");
  await routes[pathname](request, response, searchParams);
}).listen(Number(process.argv[2]), "127.0.0.1", 4096);
