// Pages work without this; with it, a payment's page follows the payment by itself.
"use strict";

const PAUSE_MS = 2000;

async function follow(part) {
  while (part.dataset.live) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (document.hidden) continue;
    try {
      const answer = await fetch(part.dataset.live, { credentials: "same-origin", redirect: "error" });
      if (!answer.ok) continue;
      const told = await answer.text();
      part.innerHTML = told;
      if (!part.querySelector(".busy")) delete part.dataset.live;
    } catch {
      // The network is away for a moment: the next look may find it.
    }
  }
}

for (const part of document.querySelectorAll("[data-live]")) follow(part);
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
});
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js").catch(() => {});
