const box = document.getElementById("filter");
const entries = [...document.querySelectorAll("[data-words]")];
box.hidden = false;
box.addEventListener("input", () => {
  const wanted = box.value.toLowerCase().split(/\s+/).filter(Boolean);
  for (const entry of entries) {
    entry.hidden = !wanted.every((word) => entry.dataset.words.includes(word));
  }
});
