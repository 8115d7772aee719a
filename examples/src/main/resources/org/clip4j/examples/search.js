// The page of SearchServer. Names from files are only ever set as text, never as markup.
const form = document.querySelector("form");
const query = form.querySelector("input[type=search]");
const upload = form.querySelector("input[type=file]");
const state = document.querySelector("#status");
const results = document.querySelector("#results");
let latest = 0;

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function card(result, rank) {
  const item = element("li", "");
  if (result.picture) {
    const picture = document.createElement("img");
    picture.src = "/thumbnail?row=" + result.row;
    picture.alt = result.name;
    item.append(picture);
  }
  const line = element("p", "");
  line.append(element("b", rank), element("span", result.score.toFixed(3), "number"));
  item.append(line, element("p", result.name, "name"));
  return item;
}

async function show(request, what) {
  const own = ++latest; // an answer that comes after that of a later request is dropped
  state.textContent = "Searching";
  try {
    const response = await request;
    const answer = await response.json();
    if (own !== latest) return;
    if (!response.ok) throw new Error(answer.error);
    results.replaceChildren(...answer.results.map((result, i) => card(result, i + 1)));
    state.textContent =
      `${answer.results.length} most similar to ${what}, in ${answer.milliseconds.toFixed(0)} ms`;
  } catch (error) {
    if (own !== latest) return;
    results.replaceChildren();
    state.textContent = error.message;
  }
}

function search() {
  const text = query.value.trim();
  if (text) show(fetch("/api/search?q=" + encodeURIComponent(text)), `“${text}”`);
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  history.replaceState(null, "", "?q=" + encodeURIComponent(query.value));
  search();
});
upload.addEventListener("change", () => {
  const file = upload.files[0];
  if (file) show(fetch("/api/search", { method: "POST", body: file }), file.name);
});

query.value = new URLSearchParams(location.search).get("q") ?? "";
search();
