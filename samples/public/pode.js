// Shared by the sample pages: a stream that shows its state, and safe ways to fill a page.

const WORDS = {
  connecting: "connecting …",
  live: "live",
  reconnecting: "connecting again …",
  closed: "closed",
};
const FIRST_WAIT = 1000;
const LONGEST_WAIT = 30000;

/**
 * An EventSource that shows its state in a badge.
 *
 * After a lost connection the browser reconnects automatically and sends the id of the last event
 * that it saw. So an error is no reason to call close(). An HTTP error is final for EventSource; then
 * this stream tries again, at growing intervals.
 *
 * Options: `badge`, an element; `on`, handlers by event type ("message" for events without one);
 * `once`, for local streams, which must not reconnect after pode.close.
 */
export class Stream {
  constructor(url, { badge = null, on = {}, once = false } = {}) {
    Object.assign(this, { url, badge, once, connection: null });
    this.handlers = Object.entries(on);
    this.wait = FIRST_WAIT;
    this.open();
    // The browser may keep a page for the back button, and its stream would stay open, too.
    addEventListener("pagehide", () => this.source.close());
    addEventListener("pageshow", (event) => {
      if (event.persisted && this.state !== "closed") this.open();
    });
  }

  open() {
    clearTimeout(this.timer);
    this.source?.close();
    const source = new EventSource(this.url);
    this.source = source;
    this.show("connecting");
    source.addEventListener("pode.open", (event) => {
      this.connection = JSON.parse(event.data);
      this.wait = FIRST_WAIT;
      this.show("live");
    });
    source.addEventListener("pode.close", () => {
      if (this.once) this.close();
      else this.show("reconnecting");
    });
    source.addEventListener("error", () => this.failed(source));
    for (const [type, handler] of this.handlers) source.addEventListener(type, handler);
  }

  /** Listen for one more event type. */
  listen(type, handler) {
    this.handlers.push([type, handler]);
    this.source.addEventListener(type, handler);
  }

  failed(source) {
    if (source !== this.source) return;
    this.show("reconnecting");
    if (source.readyState !== EventSource.CLOSED) return;
    this.timer = setTimeout(() => this.open(), this.wait);
    this.wait = Math.min(this.wait * 2, LONGEST_WAIT);
  }

  close() {
    clearTimeout(this.timer);
    this.source.close();
    this.show("closed");
  }

  /** POST as this stream's client: the server can answer over the stream. */
  post(url, data = {}) {
    return post(url, data, {
      "X-PODE-SSE-CLIENT-ID": encodeURIComponent(this.connection?.clientId ?? ""),
      "X-PODE-SSE-NAME": encodeURIComponent(this.connection?.name ?? ""),
    });
  }

  show(state) {
    this.state = state;
    if (!this.badge) return;
    this.badge.dataset.state = state;
    this.badge.textContent = WORDS[state];
  }
}

/** POST JSON. Return the parsed answer; throw an Error with the server's message if it refused. */
export async function post(url, data = {}, headers = {}) {
  return send("POST", url, data, headers);
}

export async function send(method, url, data, headers = {}) {
  const wanted = { Accept: "application/json", ...headers };
  if (data !== undefined) wanted["Content-Type"] = "application/json";
  const body = data === undefined ? undefined : JSON.stringify(data);
  const answer = await fetch(url, { method, headers: wanted, body });
  const text = await answer.text();
  let value = text;
  try {
    value = JSON.parse(text);
  } catch {
    // Not JSON: the text is the answer.
  }
  if (answer.ok) return value;
  const error = new Error(value?.status?.description ?? answer.statusText);
  throw Object.assign(error, { status: answer.status });
}

/** Return the element with this id. */
export const $ = (id) => document.getElementById(id);

/** Create an element. Children and text are added as text, so no data from others becomes HTML. */
export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

/** Add a row to a table. Each cell knows its column, for screens that are too narrow for columns. */
export function row(table, cells, className = "") {
  const names = [...table.querySelectorAll("th")].map((head) => head.textContent);
  const made = cells.map((cell, column) => {
    const element = make("td", {}, cell);
    element.dataset.label = names[column];
    return element;
  });
  return make("tr", { className }, ...made);
}

/** Add a line to the top of a list, and keep the list short. */
export function feed(list, children, limit = 100) {
  list.prepend(make("li", {}, ...children));
  while (list.children.length > limit) list.lastElementChild.remove();
}

/** Return the local time of day: 21:05:09. */
export const clock = (when = new Date()) => new Date(when).toTimeString().slice(0, 8);

/** Return the line of an event for a feed: time, type and data. */
export const line = (event) => [
  make("time", {}, clock()),
  make("span", { className: "tag" }, event.type),
  make("span", { className: "text" }, event.data),
];
