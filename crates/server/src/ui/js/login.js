// The way out of a page whose session has ended. What was being typed is kept already (draft.js), for when they are back.

let leaving = false;

// Whoever logs out here is on their way already, and knows why.
addEventListener("submit", (event) => {
  if (new URL(event.target.action).pathname.endsWith("/logout")) leaving = true;
});

export function logIn() {
  if (leaving) return;
  leaving = true;
  const next = encodeURIComponent(location.pathname + location.search);
  location.assign(`/${document.documentElement.lang}/login?notice=session-ended&next=${next}`);
}
