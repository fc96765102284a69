// Enhancements only: every page reads and every form posts without this script.

// The seconds left come from the server, so that a wrong clock on this device does not matter.
// The page tells when the session ends and offers to go on, two minutes before. Words change every 30 seconds
// so that a screen reader is not flooded; the last half minute counts in steps of ten.
const WARN_MS = 120_000;

function words(ms) {
  const english = document.documentElement.lang === "en";
  const seconds = Math.max(0, Math.ceil(ms / 10_000) * 10);
  if (seconds > 60) return english ? "2 minutes" : "2 分钟";
  if (seconds > 30) return english ? "1 minute" : "1 分钟";
  return english ? `${seconds} seconds` : `${seconds} 秒`;
}

function watchSession(form) {
  const end = performance.now() + form.dataset.sessionLeft * 1000;
  const left = form.querySelector("[data-left]");
  const tick = () => {
    const ms = end - performance.now();
    if (ms > WARN_MS) return void setTimeout(tick, Math.min(ms - WARN_MS, 60_000));
    const now = words(ms);
    if (left.textContent !== now) left.textContent = now;
    form.hidden = false;
    if (ms > 0) setTimeout(tick, 1_000);
  };
  tick();
}

for (const form of document.querySelectorAll("[data-session-left]")) watchSession(form);

// Buttons that only a script can serve are hidden until it runs.
for (const part of document.querySelectorAll(".only-script")) part.hidden = false;
for (const button of document.querySelectorAll("[data-print]")) button.addEventListener("click", () => window.print());

// The answer to an application goes on by itself; whoever comes back to the page by the back button decides anew.
const [arrival] = performance.getEntriesByType("navigation");
for (const form of document.querySelectorAll("form[data-goes-on]")) if (arrival?.type === "navigate") form.requestSubmit();

// A form is sent once: a second press while the answer is on its way is ignored.
for (const form of document.querySelectorAll('form[method="post"]')) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => { for (const form of document.forms) delete form.dataset.sent; });
