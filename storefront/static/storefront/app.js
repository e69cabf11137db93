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
      if (!part.querySelector("[data-follows]")) delete part.dataset.live;
    } catch {
      // The network is away for a moment: the next look may find it.
    }
  }
}

// Which provider a number probably has, unless one is chosen, and what the phone will do then.
function predict(form) {
  const { phone, provider } = form.elements;
  const [, prefix] = /^(?:255|0)?([67]\d)\d{7}$/.exec(phone.value.replace(/\D/g, "")) ?? [];
  const likely = JSON.parse(form.dataset.prefixes)[`0${prefix}`];
  const [own] = provider.options;
  own.dataset.usual ??= own.textContent;
  own.textContent = provider.querySelector(`[value="${likely}"]`)?.textContent ?? own.dataset.usual;
  for (const told of form.querySelectorAll("[data-provider]")) {
    told.hidden = told.dataset.provider !== (provider.value || likely || "");
  }
}

for (const link of document.querySelectorAll("nav a")) {
  if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
}
for (const part of document.querySelectorAll("[data-live]")) follow(part);
for (const form of document.querySelectorAll("[data-prefixes]")) {
  predict(form);
  form.addEventListener("input", () => predict(form));
}
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
