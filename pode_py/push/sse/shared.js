/*
 * SharedEventSource: an EventSource that all tabs of a browser share. No dependency.
 *
 *     <script src="/pode/sse-shared.js"></script>
 *     <script>
 *       const source = new SharedEventSource("/events");
 *       source.onmessage = (event) => console.log(event.data);
 *       source.addEventListener("quote", (event) => console.log(JSON.parse(event.data)));
 *     </script>
 *
 * How it works. Tabs with the same URL elect a leader. It alone has a connection, and passes on
 * all it hears over a BroadcastChannel. The Web Lock of that URL makes the leader: the browser
 * gives it to one tab at a time, and to the next as soon as that one is gone, however it went.
 * Browsers give Web Locks to secure pages only (https and localhost); elsewhere the tabs elect by
 * messages, and notice a leader that vanished without a word after some seconds.
 *
 * Nothing is lost, nothing comes twice, where the server keeps a history (set_sse_history):
 * - Every tab remembers the id of the last event it saw. A new leader connects with that of its
 *   own in ?last_event_id=, and the server sends what came after it.
 * - An event that a tab had from the old leader already, it knows by its id and drops. For that,
 *   each leadership has a term, a string that grows; events of one term are never doubles.
 */
(() => {
  "use strict";

  const CONNECTING = 0;
  const OPEN = 1;
  const CLOSED = 2;
  const CONTROL = ["pode.open", "pode.close", "pode.reset", "pode.ping"];
  const REMEMBERED = 5000;

  // Milliseconds, for elections without Web Locks.
  const BEAT = 1000;
  const SILENCE = 3500;
  const GREETING = 200;
  const OBJECTION = 300;
  const RACE = 150;

  const random = () => Math.random().toString(36).slice(2, 10).padEnd(8, "0");

  /** What is newer compares as greater, also if somebody sets the clock back. */
  function termAfter(term) {
    const time = Math.max(Date.now(), (Number.parseInt(term, 36) || 0) + 1);
    return `${time.toString(36).padStart(10, "0")}-${random()}`;
  }

  /** The leader is who holds the lock. */
  class LockElection {
    constructor(name, { elected }) {
      Object.assign(this, { name, elected, isLead: false, left: new AbortController() });
    }

    join() {
      const { signal } = this.left;
      const hold = () => {
        if (signal.aborted) return undefined;
        this.isLead = true;
        this.elected();
        return new Promise((release) => { this.release = release; });
      };
      navigator.locks.request(this.name, { signal }, hold).catch((error) => {
        if (error.name === "AbortError") return;
        if (this.isLead) throw error;
        // A page without an origin has no locks: it shares with nobody.
        this.isLead = true;
        this.elected();
      });
    }

    leave() {
      this.isLead = false;
      this.left.abort();
      this.release?.();
    }

    hear() {}

    // One lock, one leader: what comes late from the one before is still worth hearing.
    outdates() {
      return false;
    }
  }

  /**
   * The leader says that it is there once a second. Who has not heard it for long claims the
   * place, and takes it if nobody objects: a leader whose timers the browser slows down still
   * objects. Of two who claim, the lower rank wins; of two leaders, the newer term.
   */
  class BeatElection {
    constructor(_, { elected, deposed, post, term }) {
      Object.assign(this, { elected, deposed, post, term, isLead: false, rank: random() });
    }

    join() {
      this.heard = Date.now() - SILENCE + GREETING;
      this.watch();
    }

    leave() {
      this.isLead = false;
      clearTimeout(this.timer);
      clearInterval(this.beats);
    }

    watch() {
      clearTimeout(this.timer);
      const left = this.heard + SILENCE - Date.now();
      const look = () => (left > 0 ? this.watch() : this.claim(OBJECTION));
      this.timer = setTimeout(look, Math.max(left, 0));
    }

    claim(patience) {
      this.post({ kind: "claim", rank: this.rank });
      clearTimeout(this.timer);
      this.timer = setTimeout(() => this.win(), patience);
    }

    win() {
      this.isLead = true;
      this.elected();
      this.beats = setInterval(() => this.beat(), BEAT);
    }

    beat() {
      this.post({ kind: "beat", term: this.term() });
    }

    hear(message) {
      if (message.kind === "claim") {
        if (this.isLead) this.beat();
        else if (message.rank < this.rank) this.listen();
      } else if (message.kind === "bye" && !this.isLead) {
        this.claim(RACE);
      } else if (message.term !== undefined && !this.outdates(message)) {
        if (this.isLead) {
          this.leave();
          this.deposed();
        }
        this.listen();
      } else if (message.term !== undefined && this.isLead) {
        this.beat();
      }
    }

    listen() {
      this.heard = Date.now();
      this.watch();
    }

    outdates(message) {
      return message.term < this.term();
    }
  }

  class SharedEventSource extends EventTarget {
    static CONNECTING = CONNECTING;
    static OPEN = OPEN;
    static CLOSED = CLOSED;
    CONNECTING = CONNECTING;
    OPEN = OPEN;
    CLOSED = CLOSED;

    #url;
    #election;
    #channel = null;
    #source = null;
    #state = CONNECTING;
    #handlers = {};
    #types = new Set(["message", ...CONTROL]);
    #joined = false;
    #term = "";
    #opened = null;
    #lastId = "";
    #streamId = "";
    #seen = new Map();
    #onHide = () => this.#suspend();
    #onShow = (event) => event.persisted && this.#join();

    constructor(url, { withCredentials = false } = {}) {
      super();
      this.#url = new URL(url, globalThis.document?.baseURI ?? location.href);
      this.#url.hash = "";
      this.url = this.#url.href;
      this.withCredentials = Boolean(withCredentials);
      addEventListener("pagehide", this.#onHide);
      addEventListener("pageshow", this.#onShow);
      this.#join();
    }

    get readyState() {
      return this.#state;
    }

    /** Whether the connection is this tab's. EventSource has no such thing. */
    get leads() {
      return this.#source !== null;
    }

    /** Leave: the others go on. The last one to leave ends the connection. */
    close() {
      if (this.#state === CLOSED) return;
      this.#state = CLOSED;
      this.#suspend();
      removeEventListener("pagehide", this.#onHide);
      removeEventListener("pageshow", this.#onShow);
    }

    addEventListener(type, listener, options) {
      super.addEventListener(type, listener, options);
      if (this.#types.has(type) || type === "open" || type === "error") return;
      this.#learn([type]);
      this.#post({ kind: "types", types: [type] });
    }

    static {
      for (const type of ["open", "message", "error"]) {
        Object.defineProperty(this.prototype, `on${type}`, {
          get() {
            return this.#handlers[type] ?? null;
          },
          set(handler) {
            if (!(type in this.#handlers)) {
              this.addEventListener(type, (event) => this.#handlers[type]?.call(this, event));
            }
            this.#handlers[type] = typeof handler === "function" ? handler : null;
          },
        });
      }
    }

    // Coming and going.

    #join() {
      if (this.#state === CLOSED) return;
      this.#joined = false;
      const name = `pode-sse-1 ${this.withCredentials ? "with" : "without"} ${this.url}`;
      const hooks = {
        elected: () => this.#lead(),
        deposed: () => this.#follow(),
        post: (message) => this.#post(message),
        term: () => this.#term,
      };
      const shares = typeof BroadcastChannel === "function";
      const locks = typeof navigator.locks?.request === "function";
      if (shares) {
        this.#channel = new BroadcastChannel(name);
        this.#channel.onmessage = (event) => this.#hear(event.data);
      }
      const Election = locks ? LockElection : BeatElection;
      const election = new Election(name, hooks);
      this.#election = election;
      // After the script has said which events it wants.
      queueMicrotask(() => {
        if (this.#state === CLOSED || this.#election !== election) return;
        this.#post({ kind: "hello", types: [...this.#types] });
        if (shares) election.join();
        else this.#lead();
      });
    }

    #suspend() {
      if (this.#state === OPEN) this.#state = CONNECTING;
      if (this.leads) this.#post({ kind: "bye" });
      this.#follow();
      this.#election.leave();
      this.#channel?.close();
      this.#channel = null;
    }

    #follow() {
      this.#source?.close();
      this.#source = null;
    }

    #post(message) {
      this.#channel?.postMessage(message);
    }

    // The leader.

    #lead() {
      const url = new URL(this.#url);
      if (this.#lastId) {
        const glue = url.search ? "&" : "?";
        url.search += `${glue}last_event_id=${encodeURIComponent(this.#lastId)}`;
      }
      this.#term = termAfter(this.#term);
      this.#joined = true;
      this.#opened = null;
      this.#streamId = "";
      const source = new EventSource(url, { withCredentials: this.withCredentials });
      this.#source = source;
      source.onopen = (event) => this.#change(event, OPEN);
      source.onerror = (event) => this.#change(event, source.readyState);
      for (const type of this.#types) source.addEventListener(type, this.#relay);
      this.#tell(CONNECTING);
    }

    /** The stream's own events are no MessageEvents; those of the server with such a type are. */
    #change(event, state) {
      if (event instanceof MessageEvent) {
        this.#relay(event);
        return;
      }
      if (state !== OPEN) this.#opened = null;
      this.#tell(state);
    }

    #relay = ({ type, data, lastEventId: id }) => {
      if (this.#source === null) return;
      // An event without an id shows the last one: only a new one is its own.
      const own = id !== this.#streamId;
      this.#streamId = id;
      const message = { kind: "event", term: this.#term, type, data, id, own };
      if (type === "pode.open") this.#opened = message;
      this.#post(message);
      this.#deliver(message);
    };

    /** Say how the stream is, to everybody, this tab included. */
    #tell(state, { news = true } = {}) {
      this.#post({
        kind: "state",
        term: this.#term,
        state,
        news,
        opened: this.#opened,
        lastId: this.#lastId,
        types: [...this.#types],
      });
      if (news) this.#enter(state);
    }

    // Everybody.

    #hear(message) {
      if (this.#channel === null) return;
      const isOutdated = message.term !== undefined && this.#election.outdates(message);
      this.#election.hear(message);
      if (this.#channel === null || isOutdated) return;
      if (message.term > this.#term && !this.leads) this.#term = message.term;
      if (message.kind === "hello") {
        this.#learn(message.types);
        if (this.leads) this.#tell(this.#source.readyState, { news: false });
      } else if (message.kind === "types") {
        this.#learn(message.types);
      } else if (message.kind === "event" && this.#joined) {
        this.#deliver(message);
      } else if (message.kind === "state" && !this.leads) {
        this.#hearState(message);
      }
    }

    #hearState({ term, state, news, opened, lastId, types }) {
      if (term < this.#term) return;
      this.#learn(types);
      if (this.#joined) {
        if (news) this.#enter(state);
        return;
      }
      this.#joined = true;
      // A page that comes back from the browser's cache has slept.
      const slept = this.#lastId !== "" && this.#lastId !== lastId;
      this.#lastId = lastId || this.#lastId;
      if (state === CONNECTING) return;
      this.#enter(state);
      if (opened !== null) this.#deliver(opened);
      this.#lastId = lastId || this.#lastId;
      if (slept) this.#emit("pode.reset", "", this.#lastId);
    }

    #learn(types) {
      for (const type of types) {
        if (this.#types.has(type)) continue;
        this.#types.add(type);
        this.#source?.addEventListener(type, this.#relay);
      }
    }

    #enter(state) {
      if (this.#state === CLOSED) return;
      const before = this.#state;
      this.#state = state;
      if (state === OPEN && before !== OPEN) this.dispatchEvent(new Event("open"));
      if (state === CONNECTING && before === OPEN) this.dispatchEvent(new Event("error"));
      if (state !== CLOSED) return;
      // The server has refused for good, as for an EventSource: all tabs are done.
      this.#state = OPEN;
      this.close();
      this.dispatchEvent(new Event("error"));
    }

    #deliver({ term, type, data, id, own }) {
      if (this.#state === CLOSED) return;
      if (own && !CONTROL.includes(type)) {
        if ((this.#seen.get(id) ?? term) !== term) return;
        this.#remember(id, term);
      }
      if (own) this.#lastId = id;
      this.#emit(type, data, id);
    }

    #remember(id, term) {
      this.#seen.set(id, term);
      if (this.#seen.size > REMEMBERED) this.#seen.delete(this.#seen.keys().next().value);
    }

    #emit(type, data, lastEventId) {
      const { origin } = this.#url;
      this.dispatchEvent(new MessageEvent(type, { data, lastEventId, origin }));
    }
  }

  globalThis.SharedEventSource = SharedEventSource;
})();
