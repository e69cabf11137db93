// Pages work without this; with it, a payment's page follows the payment by itself.
"use strict";

const PAUSE_MS = 2000;

async function follow(part) {
  while (part.dataset.live) {
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    if (document.hidden) continue;
    try {
      const answer = await fetch(part.dataset.live, { credentials: "same-origin", redirect: "manual" });
      if (answer.type === "opaqueredirect") location.reload(); // signed out meanwhile
      if (!answer.ok) continue;
      const told = document.createElement("div");
      told.innerHTML = await answer.text();
      // What says the same stays: a button keeps its focus, and nothing is read out twice.
      if (told.textContent !== part.textContent) part.replaceChildren(...told.childNodes);
      if (!part.querySelector("[data-follows]")) delete part.dataset.live;
    } catch {
      // The network is away for a moment: the next look may find it.
    }
  }
}

// Which provider a number probably has, unless another is chosen, and what the phone will do then.
function predict(form, { target } = {}) {
  const { phone, provider } = form.elements;
  const [, prefix] = /^(?:255|0)?([67]\d)\d{7}$/.exec(phone.value.replace(/\D/g, "")) ?? [];
  const likely = JSON.parse(form.dataset.prefixes)[`0${prefix}`] ?? "";
  if (target === provider || (!target && provider.value && provider.value !== likely)) form.dataset.chosen = "yes";
  if (!form.dataset.chosen) provider.value = likely;
  for (const told of form.querySelectorAll("[data-provider]")) {
    told.hidden = told.dataset.provider !== provider.value;
  }
}

for (const link of document.querySelectorAll("nav a")) {
  if (link.pathname === location.pathname) link.setAttribute("aria-current", "page");
}
for (const part of document.querySelectorAll("[data-live]")) follow(part);
for (const form of document.querySelectorAll("[data-prefixes]")) {
  predict(form);
  form.addEventListener("input", (event) => predict(form, event));
}
for (const form of document.querySelectorAll("form[method=post]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    // Signing in elsewhere has changed the token since this page was made.
    const [, token] = /(?:^|; )csrftoken=([^;]+)/.exec(document.cookie) ?? [];
    if (token) form.elements.csrfmiddlewaretoken.value = token;
  });
}
addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll("form[data-sent]")) delete form.dataset.sent;
  for (const form of document.querySelectorAll("[data-prefixes]")) predict(form);
});
if ("serviceWorker" in navigator) navigator.serviceWorker.register("/worker.js").catch(() => {});
