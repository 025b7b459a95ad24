// The messages of the page: new ones from the page's own templates, finished ones as the server renders them.

import { getHtml } from "./api.js";
import { showCopyButtons } from "./copy.js";
import { localTimes } from "./time.js";

export class Messages {
  constructor(thread) {
    this.list = thread.querySelector("[data-messages]");
    this.templates = thread;
    this.base = thread.dataset.base;
  }

  addPerson(text) {
    const article = this.add("user");
    article.querySelector("[data-text]").textContent = text;
    return article;
  }

  addAnswer() {
    return this.add("assistant");
  }

  add(role) {
    const template = this.templates.querySelector(`[data-message-template="${role}"]`);
    const article = template.content.querySelector("article").cloneNode(true);
    article.removeAttribute("id");
    this.list.append(article);
    return article;
  }

  name(article, id) {
    article.dataset.message = id;
    article.id = `message-${id}`;
  }

  byId(id) {
    return this.list.querySelector(`[data-message="${CSS.escape(id)}"]`);
  }

  running() {
    return [...this.list.querySelectorAll('[data-status="running"][data-message]')].filter((found) => found.dataset.message);
  }

  // Puts the server's rendering in the place of what was streamed; open disclosures and focus elsewhere stay.
  async replace(article) {
    const html = await getHtml(`${this.base}/messages/${article.dataset.message}`);
    const template = document.createElement("template");
    template.innerHTML = html;
    const fresh = template.content.querySelector("article");
    if (!fresh) throw new Error("no message in the fragment");
    article.replaceWith(fresh);
    showCopyButtons(fresh);
    localTimes(fresh);
    return fresh;
  }
}
