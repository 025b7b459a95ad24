// The way out of a page whose session has ended. What was being typed is kept already (draft.js), for when they are back.

let leaving = false;

export function logIn() {
  if (leaving) return;
  leaving = true;
  const next = encodeURIComponent(location.pathname + location.search);
  location.assign(`/${document.documentElement.lang}/login?notice=session-ended&next=${next}`);
}
