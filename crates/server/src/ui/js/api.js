// Calls to the JSON API, with the headers that a page's cookie needs.

const csrf = () => document.querySelector('meta[name="csrf-token"]')?.content ?? "";

// What the API says about a failure (application/problem+json).
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? "";
    this.detail = body.detail ?? "";
    this.limit = body.limit;
  }

  static async of(response) {
    return new Problem(response.status, await response.json().catch(() => ({})));
  }
}

// Posts JSON and answers with the raw response: a stream of events, or JSON.
export function postForStream(path, body, key, signal) {
  const headers = {
    Accept: "text/event-stream",
    "Content-Type": "application/json",
    "X-CSRF-Token": csrf(),
    "Idempotency-Key": key,
  };
  return fetch(path, { method: "POST", headers, body: JSON.stringify(body), signal });
}

export async function post(path) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", "X-CSRF-Token": csrf() };
  const response = await fetch(path, { method: "POST", headers, body: "{}" });
  if (!response.ok) throw await Problem.of(response);
}

export function getStream(path, lastEventId, signal) {
  const headers = { Accept: "text/event-stream" };
  if (lastEventId) headers["Last-Event-ID"] = lastEventId;
  return fetch(path, { headers, signal });
}

export async function getHtml(path) {
  const response = await fetch(path, { headers: { Accept: "text/html" } });
  if (!response.ok || response.redirected) throw new Problem(response.status, {});
  return response.text();
}

// crypto.randomUUID exists only on https and localhost; a plain-http address in the local network has none.
export function uniqueKey() {
  if (crypto.randomUUID) return crypto.randomUUID();
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
