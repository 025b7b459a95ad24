// Tells screen readers what arrives, a sentence at a time: single words would be unbearable, the whole too late.

const KEPT = 6;

export class Announcer {
  constructor(region) {
    this.region = region;
    this.waiting = "";
  }

  add(text) {
    this.waiting += text;
    const end = lastSentenceEnd(this.waiting);
    if (end === 0) return;
    this.say(this.waiting.slice(0, end));
    this.waiting = this.waiting.slice(end);
  }

  // Says what is left, then `word`.
  finish(word) {
    this.say(this.waiting);
    this.waiting = "";
    if (word) this.say(word);
  }

  say(text) {
    const plain = text.replace(/[*_`#>|]+/g, "").trim();
    if (!plain) return;
    const line = document.createElement("p");
    line.textContent = plain;
    this.region.append(line);
    while (this.region.childElementCount > KEPT) this.region.firstElementChild.remove();
  }
}

function lastSentenceEnd(text) {
  let end = 0;
  for (const match of text.matchAll(/[.!?…](?=\s)|\n/g)) end = match.index + 1;
  return end;
}
