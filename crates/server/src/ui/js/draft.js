// Keeps what somebody was about to say over a login or a reload; for this tab only.

const name = () => `parlor-draft:${location.pathname}`;

// Storage may be switched off; a draft is then lost, and nothing else.
export function keepDraft(text) {
  try {
    if (text) sessionStorage.setItem(name(), text);
    else sessionStorage.removeItem(name());
  } catch {
    // See above.
  }
}

export function keptDraft() {
  try {
    return sessionStorage.getItem(name()) ?? "";
  } catch {
    return "";
  }
}

const SENT = "parlor-draft-sent";

// A form takes the draft with it. Only the page it leads to shows that it arrived: a login may be in between.
export function draftSent(text) {
  keepDraft(text);
  try {
    sessionStorage.setItem(SENT, name());
  } catch {
    // See above.
  }
}

export function draftArrived() {
  try {
    const sent = sessionStorage.getItem(SENT);
    if (sent) sessionStorage.removeItem(sent);
    sessionStorage.removeItem(SENT);
  } catch {
    // See above.
  }
}
