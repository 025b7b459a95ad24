// Passkeys: added in the settings, used at the login and as its second step.

import { Problem } from "./api.js";

export function startPasskeys() {
  if (!window.PublicKeyCredential) return;
  for (const hint of document.querySelectorAll("[data-passkey-missing]")) hint.hidden = true;
  startAdding(document.querySelector("[data-passkey-add]"));
  startAnswering(document.querySelector("[data-passkey-answer]"));
  startLogin(document.querySelector("[data-passkey-login]"));
}

function startAdding(form) {
  if (!form) return;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    attempt(form, async () => {
      const { challenge, publicKey } = await ask("/api/v1/me/passkeys/options");
      const credential = await navigator.credentials.create({ publicKey: readCreation(publicKey) });
      form.elements.challenge.value = challenge;
      form.elements.credential.value = JSON.stringify(written(credential));
      form.requestSubmit();
    });
  });
}

function startAnswering(form) {
  if (!form) return;
  form.hidden = false;
  form.addEventListener("submit", (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    attempt(form, async () => {
      const publicKey = readRequest(JSON.parse(form.dataset.options));
      const credential = await navigator.credentials.get({ publicKey });
      form.elements.credential.value = JSON.stringify(written(credential));
      form.requestSubmit();
    });
  });
}

// The browser offers passkeys in the address field by itself, and on the button's press.
function startLogin(place) {
  if (!place) return;
  place.hidden = false;
  let waiting = null;
  const offer = async () => {
    if (!(await PublicKeyCredential.isConditionalMediationAvailable?.())) return;
    waiting = new AbortController();
    const options = { mediation: "conditional", signal: waiting.signal };
    // Nobody pressed anything, so nobody is told when it does not work.
    await logIn(place, options).catch(() => {});
  };
  place.querySelector("button").addEventListener("click", () => {
    waiting?.abort();
    attempt(place, () => logIn(place, {}));
  });
  offer();
}

async function logIn(place, options) {
  const { challenge, publicKey } = await ask("/api/v1/auth/passkey/options");
  const credential = await navigator.credentials.get({ ...options, publicKey: readRequest(publicKey) });
  await ask("/api/v1/auth/passkey", { challenge, credential: written(credential) });
  location.assign(place.dataset.next);
}

async function attempt(place, work) {
  const said = place.querySelector("[data-passkey-error]");
  const button = place.querySelector("button");
  said.hidden = true;
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    if (error.code === "step_up_required") return stepUp();
    said.textContent = sentence(place, error);
    said.hidden = false;
  } finally {
    button.disabled = false;
  }
}

// Proves who is there, and comes back to this page.
function stepUp() {
  const { lang } = document.documentElement;
  location.assign(`/${lang}/step-up?next=${encodeURIComponent(location.pathname)}`);
}

function sentence(place, error) {
  if (error instanceof Problem) return error.detail || place.dataset.failed;
  if (error.name === "NotAllowedError" || error.name === "AbortError") return place.dataset.cancelled;
  if (error.name === "InvalidStateError" && place.dataset.known) return place.dataset.known;
  return place.dataset.failed;
}

async function ask(path, body = {}) {
  const headers = {
    Accept: "application/json",
    "Content-Type": "application/json",
    "X-CSRF-Token": document.querySelector('meta[name="csrf-token"]')?.content ?? "",
    "X-Session": "cookie",
  };
  const response = await fetch(path, { method: "POST", headers, body: JSON.stringify(body) });
  if (!response.ok) throw await Problem.of(response);
  return response.json();
}

// The standard's own JSON forms (parseCreationOptionsFromJSON, toJSON) are missing in browsers of a few years ago.

function readCreation(options) {
  const excluded = (options.excludeCredentials ?? []).map(readKey);
  const user = { ...options.user, id: bytes(options.user.id) };
  return { ...options, user, challenge: bytes(options.challenge), excludeCredentials: excluded };
}

function readRequest(options) {
  const allowed = (options.allowCredentials ?? []).map(readKey);
  return { ...options, challenge: bytes(options.challenge), allowCredentials: allowed };
}

function readKey(key) {
  return { ...key, id: bytes(key.id) };
}

function written(credential) {
  const { response } = credential;
  const parts = { clientDataJSON: text(response.clientDataJSON) };
  if (response.attestationObject) {
    parts.attestationObject = text(response.attestationObject);
    parts.transports = response.getTransports?.() ?? [];
  } else {
    parts.authenticatorData = text(response.authenticatorData);
    parts.signature = text(response.signature);
    parts.userHandle = response.userHandle ? text(response.userHandle) : null;
  }
  const id = text(credential.rawId);
  return { id, rawId: id, type: credential.type, response: parts, clientExtensionResults: {} };
}

function bytes(base64url) {
  const binary = atob(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (char) => char.charCodeAt(0));
}

function text(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}
