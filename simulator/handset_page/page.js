// Refreshes the page in place. A phone that is still asked the same stays as it is, with what is being typed.
"use strict";

const phones = document.getElementById("phones");
let refreshing = false;

async function refresh() {
  if (refreshing) return;
  refreshing = true;
  try {
    const response = await fetch(location.pathname, { cache: "no-store" });
    if (response.ok) show(new DOMParser().parseFromString(await response.text(), "text/html"));
  } catch {
    document.title = "Phones (simulator stopped)";
  } finally {
    refreshing = false;
  }
}

function show(fresh) {
  document.title = fresh.title;
  for (const id of ["history", "texts", "total", "bill"]) {
    const now = document.getElementById(id), next = fresh.getElementById(id);
    if (now.innerHTML !== next.innerHTML) now.replaceChildren(...next.childNodes);
  }
  const known = new Map([...phones.children].map((phone) => [phone.dataset.state, phone]));
  const wanted = [...fresh.getElementById("phones").children];
  const states = new Set(wanted.map((phone) => phone.dataset.state));
  for (const [state, phone] of known) if (!states.has(state)) phone.remove();
  for (const phone of wanted) {
    const kept = known.get(phone.dataset.state);
    if (kept) kept.dataset.seconds = phone.dataset.seconds;
    else phones.append(phone);
  }
  for (const phone of phones.children) countDown(phone);
}

function countDown(phone) {
  const { seconds, lifetime } = phone.dataset;
  phone.querySelector(".seconds").textContent = seconds;
  phone.style.setProperty("--share", `${(100 * seconds) / lifetime}%`);
}

phones.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = new URLSearchParams(new FormData(event.target, event.submitter));
  // Not `form.action`: the buttons are named so, and a control hides the form's own property.
  await fetch(event.target.getAttribute("action"), { method: "POST", body, redirect: "manual" });
  refresh();
});

for (const phone of phones.children) countDown(phone);
setInterval(refresh, 1000);
