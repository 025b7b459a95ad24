// The box one writes in. It grows with its text; Enter sends, where there is a keyboard.

import { draftSent, keepDraft, keptDraft } from "./draft.js";

export function startComposer(form) {
  return form ? new Composer(form) : null;
}

const touch = matchMedia("(pointer: coarse)");

export class Composer {
  constructor(form) {
    this.form = form;
    this.text = form.querySelector("[data-composer-text]");
    this.sendButton = form.querySelector("[data-send]");
    this.stopButton = form.querySelector("[data-stop]");
    this.error = form.querySelector("[data-composer-error]");
    // A chat takes these over; the empty room lets the form post.
    this.onSend = null;
    this.onStop = null;
    this.running = false;
    this.listen();
    if (!this.text.value) this.text.value = keptDraft();
    this.grow();
  }

  listen() {
    this.text.addEventListener("keydown", (event) => this.key(event));
    this.text.addEventListener("input", () => this.typed());
    this.form.addEventListener("submit", (event) => this.submitted(event));
    this.stopButton.addEventListener("click", () => this.onStop?.());
    // The page may come back from the browser's memory with its form still marked as sent.
    addEventListener("pageshow", () => this.sendButton.removeAttribute("aria-busy"));
    document.addEventListener("click", (event) => this.example(event));
  }

  key(event) {
    const plainEnter = event.key === "Enter" && !event.shiftKey && !event.altKey && !event.ctrlKey && !event.metaKey;
    if (!plainEnter || event.isComposing || touch.matches) return;
    event.preventDefault();
    if (!this.running && this.text.value.trim()) this.form.requestSubmit();
  }

  typed() {
    keepDraft(this.text.value);
    this.grow();
  }

  submitted(event) {
    const content = this.text.value.trim();
    if (this.running || !content || this.sendButton.getAttribute("aria-busy") === "true") {
      event.preventDefault();
    } else if (this.onSend) {
      event.preventDefault();
      this.onSend(content, this.tier());
    } else {
      draftSent(this.text.value);
      this.sendButton.setAttribute("aria-busy", "true");
    }
  }

  example(event) {
    const link = event.target.closest?.("[data-example]");
    if (!link || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.put(link.dataset.example);
  }

  tier() {
    return this.form.querySelector('[name="tier"]:checked')?.value ?? "quick";
  }

  put(text) {
    this.text.value = text;
    this.typed();
    this.text.focus();
    this.text.setSelectionRange(text.length, text.length);
  }

  setRunning(running) {
    const hadFocus = document.activeElement === this.stopButton || document.activeElement === this.sendButton;
    this.running = running;
    this.sendButton.hidden = running;
    this.stopButton.hidden = !running;
    if (hadFocus) this.text.focus();
  }

  showError(message) {
    this.error.textContent = message;
    this.error.hidden = !message;
  }

  // Browsers without `field-sizing` need the height set.
  grow() {
    if (CSS.supports("field-sizing", "content")) return;
    this.text.style.height = "auto";
    this.text.style.height = `${this.text.scrollHeight}px`;
  }
}
