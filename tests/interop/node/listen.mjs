// Prints what an EventSource receives, one JSON array per line: [type, data, id].
// Usage: node listen.mjs <url> <type of the last event> [more types ...]
import { EventSource } from "eventsource";

const [url, last, ...types] = process.argv.slice(2);
const source = new EventSource(url);
const say = (...fields) => process.stdout.write(`${JSON.stringify(fields)}\n`);

for (const type of ["message", "pode.open", last, ...types]) {
  source.addEventListener(type, (event) => {
    say(event.type, event.data, event.lastEventId);
    if (event.type === last) source.close();
  });
}
source.addEventListener("error", (event) => say("error", event.message ?? "", ""));
