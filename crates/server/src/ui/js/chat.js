// One conversation: sends, streams, stops, goes on, and joins an answer that is being written already.

import { Announcer } from "./announce.js";
import { getStream, post, postForStream, Problem, uniqueKey } from "./api.js";
import { keepDraft } from "./draft.js";
import { follow } from "./follow.js";
import { logIn } from "./login.js";
import { Messages } from "./messages.js";
import { Reveal } from "./reveal.js";
import { Scroll } from "./scroll.js";

export function startChat(thread, composer) {
  if (thread && composer) new Chat(thread, composer).start();
}

class Chat {
  constructor(thread, composer) {
    this.thread = thread;
    this.composer = composer;
    this.words = thread.querySelector("[data-words]").dataset;
    this.connection = thread.querySelector("[data-connection]");
    this.messages = new Messages(thread);
    this.announcer = new Announcer(thread.querySelector("[data-announcer]"));
    this.scroll = new Scroll(document.querySelector("[data-jump]"));
    this.api = `/api/v1/chats/${thread.dataset.chat}/messages`;
    this.answer = null;
    this.stopping = false;
  }

  start() {
    this.composer.onSend = (content, tier) => this.send(content, tier);
    this.composer.onStop = () => this.stop();
    this.thread.addEventListener("submit", (event) => this.goOn(event));
    addEventListener("offline", () => this.answer && this.showConnection(this.words.offline));
    if (!location.hash) this.scroll.toEnd();
    const [running] = this.messages.running();
    if (running) this.join(running);
  }

  async send(content, tier) {
    const person = this.messages.addPerson(content);
    const answer = this.messages.addAnswer();
    this.composer.showError("");
    this.composer.put("");
    this.scroll.toEnd();
    this.announcer.say(this.words.thinking);
    const key = uniqueKey();
    const problem = await this.stream(answer, () => postForStream(this.api, { content, tier }, key), person);
    if (problem && !this.answer.dataset.message) this.takeBack(person, content, problem);
    else if (problem?.status === 401) this.logIn();
    this.end();
  }

  // The message never became one: it goes back into the box.
  takeBack(person, content, problem) {
    person.remove();
    this.answer.remove();
    this.composer.put(content);
    if (problem.status === 401) return this.logIn();
    this.composer.showError(this.explain(problem));
  }

  async join(article) {
    const id = article.dataset.message;
    article.querySelector("[data-text]").replaceChildren();
    const problem = await this.stream(article, () => getStream(this.eventsPath(id)));
    if (problem?.status === 401) this.logIn();
    this.end();
  }

  async goOn(event) {
    if (!event.target.matches("[data-continue]")) return;
    event.preventDefault();
    if (this.answer) return;
    const article = event.target.closest("article");
    const id = article.dataset.message;
    event.target.remove();
    article.dataset.status = "running";
    this.announcer.say(this.words.thinking);
    const problem = await this.stream(article, () => postForStream(`${this.api}/${id}/continue`, {}, uniqueKey()));
    if (problem?.status === 401) this.logIn();
    else if (problem) this.composer.showError(this.explain(problem));
    this.end();
  }

  // Streams into `article` until the answer has ended. Resolves with what went wrong on the way, or null.
  async stream(article, first, person = null) {
    this.answer = article;
    this.person = person;
    this.reveal = null;
    this.stopping = false;
    this.composer.setRunning(true);
    const on = {
      event: (type, data) => this.take(type, data),
      connected: () => this.showConnection(""),
      reconnecting: () => this.showConnection(navigator.onLine ? this.words.reconnecting : this.words.offline),
    };
    const messageId = article.dataset.message || null;
    try {
      await follow({ first, eventsPath: (id) => this.eventsPath(id), messageId, on });
      await this.finish();
      return null;
    } catch (problem) {
      this.reveal?.flush();
      const lost = !(problem instanceof Problem) && this.answer.dataset.message;
      this.showConnection(lost ? this.words.lost : "");
      if (problem instanceof Problem && messageId) await this.finish();
      return problem;
    }
  }

  take(type, data) {
    if (type === "message.created") this.created(data);
    if (type === "memory.recalled" && data.memories?.length) this.announcer.say(this.words.recalling);
    if (type === "delta") this.write(data.text);
  }

  created({ message_id: id, user_message: said }) {
    if (this.person && said?.id) this.messages.name(this.person, said.id);
    const shown = this.answer.dataset.message;
    // "Continue" may be answered by a message of its own.
    if (shown && shown !== id) this.answer = this.messages.byId(id) ?? this.messages.addAnswer();
    // The stream is told from its start: what stands here already would stand here twice.
    if (shown === id) this.restart();
    this.messages.name(this.answer, id);
    keepDraft(this.composer.text.value);
    if (this.stopping) this.cancel(id);
  }

  restart() {
    this.reveal?.flush();
    this.reveal = null;
    this.answer.querySelector("[data-text]").replaceChildren();
  }

  write(text) {
    if (!text) return;
    this.answer.querySelector("[data-pending]")?.remove();
    this.reveal ??= new Reveal(this.answer.querySelector("[data-text]"), () => this.scroll.keep());
    this.reveal.add(text);
    this.announcer.add(text);
  }

  // The answer has ended: the server's rendering takes the place of what was streamed.
  async finish() {
    this.reveal?.flush();
    this.announcer.finish(this.stopping ? this.words.stopped : this.words.finished);
    try {
      this.answer = await this.messages.replace(this.answer);
    } catch {
      // What was streamed stays; only its formatting is missing.
      this.answer.dataset.status = "complete";
      this.answer.querySelector("[data-pending]")?.remove();
    }
    this.scroll.keep();
  }

  end() {
    this.answer = null;
    this.composer.setRunning(false);
  }

  stop() {
    this.stopping = true;
    if (this.answer?.dataset.message) this.cancel(this.answer.dataset.message);
  }

  // The stream itself then ends with its last event, so there is nothing more to do here.
  cancel(id) {
    post(`${this.api}/${id}/cancel`).catch((problem) => {
      if (problem.status === 401) this.logIn();
      else this.composer.showError(this.explain(problem));
    });
  }

  showConnection(message) {
    this.connection.textContent = message;
    this.connection.hidden = !message;
    if (message) this.scroll.keep();
  }

  explain(problem) {
    const known = this.words[problem.code];
    if (problem.code === "quota_exceeded" && problem.limit?.resets_at) {
      const day = new Date(problem.limit.resets_at).toLocaleDateString(document.documentElement.lang, { dateStyle: "long" });
      return known.replace("[date]", day);
    }
    return (problem.code !== "quota_exceeded" && known) || problem.detail || this.words.failed;
  }

  logIn() {
    keepDraft(this.composer.text.value);
    logIn();
  }

  eventsPath(id) {
    return `${this.api}/${id}/events`;
  }
}
