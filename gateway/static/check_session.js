// The check-session document of OpenID Connect Session Management 1.0 §3.2. A page of an application frames it and asks by message,
// "client_id session_state"; the answer is one word. What is compared holds for the asking page's own origin alone.

const COOKIE = "__Host-rz_state";
const LONGEST = 512;

function browserState() {
  for (const pair of document.cookie.split("; ")) {
    if (pair.startsWith(`${COOKIE}=`)) return pair.slice(COOKIE.length + 1);
  }
  return "";
}

async function digest(text) {
  const octets = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return btoa(String.fromCharCode(...octets)).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

// Where the browser keeps our cookies from frames, nothing can be known: "error", which ends no session at the application.
async function mayRead() {
  return document.hasStorageAccess ? document.hasStorageAccess() : navigator.cookieEnabled;
}

async function judge(data, origin) {
  const at = typeof data === "string" && data.length <= LONGEST ? data.indexOf(" ") : -1;
  const sessionState = at > 0 ? data.slice(at + 1) : "";
  const dot = sessionState.indexOf(".");
  if (dot < 1 || sessionState.includes(" ") || !(await mayRead())) return "error";
  const salt = sessionState.slice(dot + 1);
  const now = `${await digest(`${data.slice(0, at)} ${origin} ${browserState()} ${salt}`)}.${salt}`;
  return now === sessionState ? "unchanged" : "changed";
}

addEventListener("message", async (event) => {
  if (!event.source || event.origin === "null" || event.source === window) return;
  event.source.postMessage(await judge(event.data, event.origin), event.origin);
});
