// The key n is the button "Next", wherever nobody is typing.
document.addEventListener("keydown", (event) => {
  const isTyping = event.target.closest("input, textarea, select, [contenteditable]");
  if (event.key !== "n" || event.ctrlKey || event.metaKey || event.altKey || isTyping) return;
  const next = document.querySelector("form[data-next]");
  if (next) next.requestSubmit();
});
