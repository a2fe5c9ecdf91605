const search = document.getElementById("search");
const cards = [...document.querySelectorAll("article")];
const buttons = [...document.querySelectorAll("[data-show]")];

function show(language) {
  document.documentElement.lang = document.body.dataset.language = language;
  search.placeholder = search.dataset[language];
  for (const button of buttons) button.setAttribute("aria-pressed", button.dataset.show === language);
}

function filter() {
  const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
  let shown = 0;
  for (const card of cards) {
    card.hidden = !words.every((word) => card.dataset.search.includes(word));
    if (!card.hidden) shown += 1;
  }
  for (const section of document.querySelectorAll("section"))
    section.hidden = !section.querySelector("article:not([hidden])");
  document.getElementById("shown").textContent = shown;
  document.getElementById("nothing").hidden = shown > 0;
}

for (const button of buttons) button.addEventListener("click", () => show(button.dataset.show));
search.addEventListener("input", filter);
show(document.body.dataset.language);
