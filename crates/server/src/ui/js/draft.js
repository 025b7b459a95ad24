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
