// Listens for what happens to this person's sessions: their own end sends this page to the login at once, and the list
// of devices follows. Every page of the signed-in listens, but only while somebody sees it: browsers allow a host
// few connections. On its return a page asks for what it missed.

import { getHtml, getStream } from "./api.js";
import { logIn } from "./login.js";
import { events } from "./sse.js";
import { agoTimes, localTimes } from "./time.js";

const PATH = "/api/v1/me/sessions/events";
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30000;
const MINUTE_MS = 60000;

export function startSessions(root) {
  if (!root) return;
  const list = root.hasAttribute("data-sessions") ? new Devices(root) : null;
  new Listener(root.dataset.since ?? "", (event) => list?.take(event)).start();
}

class Listener {
  constructor(since, take) {
    this.lastId = since;
    this.take = take;
    this.pause = FIRST_PAUSE_MS;
    this.connection = null;
  }

  start() {
    document.addEventListener("visibilitychange", () => this.follow());
    addEventListener("pagehide", () => this.hangUp());
    addEventListener("pageshow", (event) => event.persisted && this.follow());
    this.follow();
  }

  hangUp() {
    this.connection?.abort();
    this.connection = null;
  }

  follow() {
    if (document.visibilityState !== "visible") {
      this.hangUp();
    } else if (!this.connection) {
      this.connection = new AbortController();
      this.listen(this.connection);
    }
  }

  async listen(connection) {
    while (this.connection === connection) {
      await this.read(connection).catch(() => {});
      if (this.connection !== connection) return;
      await new Promise((done) => setTimeout(done, this.pause));
      this.pause = Math.min(this.pause * 2, LONGEST_PAUSE_MS);
    }
  }

  async read(connection) {
    const response = await getStream(PATH, this.lastId, connection.signal);
    if (response.status === 401) return logIn();
    if (!response.ok) return;
    this.pause = FIRST_PAUSE_MS;
    for await (const event of events(response.body)) {
      if (event.id) this.lastId = event.id;
      const data = JSON.parse(event.data);
      if (event.type === "session.revoked" && data.current) return logIn();
      this.take({ type: event.type, data });
    }
  }
}

// The list as the server renders it: one place decides how a device looks.
class Devices {
  constructor(root) {
    this.root = root;
    this.status = root.querySelector("[data-session-status]");
    this.loading = null;
    this.again = false;
    setInterval(() => agoTimes(root), MINUTE_MS);
  }

  row(id) {
    return this.root.querySelector(`[data-session="${CSS.escape(id)}"]`);
  }

  take({ type, data }) {
    if (type === "session.revoked") this.remove(data.id);
    if (type === "session.created" && !this.row(data.id)) this.reload(data.id);
    if (type === "session.active") this.moved(data);
  }

  remove(id) {
    const row = this.row(id);
    if (!row) return;
    const hadFocus = row.contains(document.activeElement);
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    this.say(this.root.dataset.gone, row);
    row.remove();
    this.root.querySelector("[data-others]").hidden = !this.root.querySelector("[data-session]:not([data-current])");
    // Whoever stood on the button that left must not start again at the top of the page.
    if (hadFocus) neighbour?.querySelector("button")?.focus();
  }

  // Events that come while the list is being fetched are in the one that is fetched next.
  async reload(id) {
    this.again = Boolean(this.loading);
    this.loading ??= this.fetch().finally(() => (this.loading = null));
    await this.loading.catch(() => {});
    if (this.again && !this.loading) return this.reload(id);
    const row = this.row(id);
    if (row) this.say(this.root.dataset.came, row);
  }

  async fetch() {
    const page = new DOMParser().parseFromString(await getHtml(location.pathname), "text/html");
    const focused = document.activeElement?.closest("[data-session]")?.dataset.session;
    for (const part of ["[data-session-list]", "[data-others]"]) {
      const fresh = page.querySelector(part);
      if (fresh) this.root.querySelector(part)?.replaceWith(document.adoptNode(fresh));
    }
    localTimes(this.root);
    agoTimes(this.root);
    if (focused) this.row(focused)?.querySelector("button")?.focus();
  }

  moved({ id, last_active_at: at }) {
    const time = this.row(id)?.querySelector("time[data-ago]");
    if (!time) return;
    time.dateTime = at;
    agoTimes(this.root);
  }

  say(words, row) {
    this.status.textContent = words.replace("{device}", row.querySelector("[data-device-name]").textContent);
  }
}
