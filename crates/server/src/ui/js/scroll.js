// Follows the newest words only while the reader is at the bottom; whoever scrolls up is left in peace.

const NEAR = 96;

export class Scroll {
  constructor(button) {
    this.button = button;
    this.following = true;
    this.last = scrollY;
    addEventListener("scroll", () => this.moved(), { passive: true });
    addEventListener("resize", () => this.keep(), { passive: true });
    button?.addEventListener("click", () => this.toEnd());
  }

  moved() {
    const up = scrollY < this.last;
    this.last = scrollY;
    if (atEnd()) this.following = true;
    else if (up) this.following = false;
    this.showButton();
  }

  // After the page has grown.
  keep() {
    if (this.following) this.toEnd();
    else this.showButton();
  }

  toEnd() {
    this.following = true;
    scrollTo({ top: document.documentElement.scrollHeight, behavior: "instant" });
    this.showButton();
  }

  showButton() {
    if (this.button) this.button.hidden = atEnd();
  }
}

function atEnd() {
  const page = document.documentElement;
  return page.scrollHeight - scrollY - innerHeight < NEAR;
}
