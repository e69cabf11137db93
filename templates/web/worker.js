{% load static %}// Pages come from the network; without one, the page that says so. What is static is kept.
const KEPT = "konektika-{% static 'storefront/app.css' %}";
const FIRST = ["{% url 'web-offline' %}", "{% static 'storefront/app.css' %}", "{% static 'storefront/app.js' %}"];
self.addEventListener("install", (event) => {
  event.waitUntil(caches.open(KEPT).then((cache) => cache.addAll(FIRST)).then(() => self.skipWaiting()));
});
self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches.keys()
      .then((names) => Promise.all(names.filter((name) => name !== KEPT).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});
self.addEventListener("fetch", (event) => {
  const request = event.request;
  if (request.method !== "GET") return;
  if (request.mode === "navigate") {
    event.respondWith(fetch(request).catch(() => caches.match("{% url 'web-offline' %}")));
  } else if (new URL(request.url).pathname.startsWith("/static/storefront/")) {
    event.respondWith(caches.match(request).then((found) => found || fetch(request)));
  }
});
