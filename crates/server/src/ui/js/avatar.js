// A picture that does not load gives way to the person's initial.

export function startAvatars() {
  for (const image of document.querySelectorAll("img[data-avatar]")) {
    const fall = () => image.replaceWith(badge(image.dataset.avatar));
    image.addEventListener("error", fall, { once: true });
    if (image.complete && image.naturalWidth === 0) fall();
  }
}

function badge(initial) {
  const span = document.createElement("span");
  span.className = "user__badge";
  span.setAttribute("aria-hidden", "true");
  span.textContent = initial;
  return span;
}
