// The page of SearchServer. Names from files are only ever set as text, never as markup.
//
// What is shown is an entry of the browser's history: {q}, {row, name} or {file, name}, and {open}
// with it while a picture is shown large, {here} if it was opened from the entry before. So Back and
// Forward work, and an address can be kept.
const form = document.querySelector("form");
const query = form.querySelector("input[type=search]");
const where = form.querySelector("input[name=where]");
const relevant = form.querySelector("input[name=relevant]");
const upload = form.querySelector("input[type=file]");
const state = document.querySelector("#status");
const results = document.querySelector("#results");
const large = document.querySelector("#large");
const why = large.querySelector("[data-why]"); // null where nothing is explained
const files = []; // that were searched by, for as long as the page stays
let found = []; // results shown
let shown = ""; // the search that they answer
let latest = 0;

function element(tag, text, kind) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function button(text, action) {
  const made = element("button", text);
  made.type = "button";
  made.addEventListener("click", action);
  return made;
}

function card(result, rank) {
  const item = element("li", "");
  if (result.picture) {
    const picture = document.createElement("img");
    picture.src = "/thumbnail?row=" + result.row;
    picture.alt = result.name;
    picture.addEventListener("error", () => {
      opener.replaceWith(element("div", "This picture cannot be read any more.", "gone"));
    });
    const opener = button("", () => go({ ...history.state, open: result.row, here: true }));
    opener.className = "open";
    opener.title = "Show large";
    opener.append(picture);
    item.append(opener);
  }
  const line = element("p", "");
  line.append(element("b", rank), button("More like this", () => like(result)));
  line.append(element("span", result.score.toFixed(3), "number"));
  const more = result.folded ? ` and ${result.folded} like it` : "";
  item.append(line, element("p", result.name + more, "name"));
  return item;
}

function address(entry) {
  const parts = new URLSearchParams();
  if (entry.q) parts.set("q", entry.q);
  if (entry.where) parts.set("where", entry.where);
  if (entry.relevant) parts.set("relevant", "1");
  if (entry.row !== undefined) parts.set("row", entry.row);
  if (entry.open !== undefined) parts.set("open", entry.open);
  return parts.size ? "/?" + parts : "/";
}

// What the fields beside the query say, as part of an entry.
function narrowed(entry) {
  if (where.value.trim()) entry.where = where.value.trim();
  if (relevant.checked) entry.relevant = true;
  return entry;
}

function go(entry) {
  history.pushState(entry, "", address(entry));
  show(entry);
}

const like = (result) => go(narrowed({ row: result.row, name: result.name }));

function byFile(file) {
  if (!file) return;
  if (file.size > upload.dataset.most) {
    upload.value = "";
    state.textContent = `${file.name} is larger than the ${upload.dataset.most >> 20} MB allowed.`;
    return;
  }
  go(narrowed({ file: files.push(file) - 1, name: file.name }));
}

// Shows what an entry says; asks the server only for another search than the one shown.
async function show(entry) {
  const { open, here, ...search } = entry;
  query.value = entry.q ?? "";
  where.value = entry.where ?? "";
  relevant.checked = entry.relevant ?? false;
  upload.value = "";
  const key = JSON.stringify(search);
  if (key !== shown) await ask(search, key);
  if (key === shown) enlarge(open);
}

async function ask(search, key) {
  const own = ++latest; // an answer that comes after that of a later request is dropped
  shown = key;
  found = [];
  results.replaceChildren();
  state.textContent = "";
  document.title = "Search";
  if (!search.q && search.row === undefined && search.file === undefined) return;
  const what = search.q ? `“${search.q}”` : search.name ?? `row ${search.row}`;
  document.title = what + " – Search";
  state.textContent = "Searching";
  try {
    const response = await send(search);
    const answer = await response.json();
    if (own !== latest) return;
    if (!response.ok) throw new Error(answer.error);
    found = answer.results;
    results.replaceChildren(...found.map((result, i) => card(result, i + 1)));
    state.textContent = answer.nothing ??
      `${found.length} most similar to ${what}, in ${answer.milliseconds.toFixed(0)} ms`;
  } catch (error) {
    if (own !== latest) return;
    state.textContent = error.message;
    shown = ""; // so that the same is asked again
  }
}

function send(search) {
  const parts = new URLSearchParams();
  if (search.where) parts.set("where", search.where);
  if (search.relevant) parts.set("relevant", "1");
  if (search.q) parts.set("q", search.q);
  else if (search.row !== undefined) parts.set("row", search.row);
  if (search.file === undefined) return fetch("/api/search?" + parts);
  const file = files[search.file];
  if (!file) throw new Error(`${search.name} has to be chosen again after the page was reloaded.`);
  return fetch("/api/search?" + parts, { method: "POST", body: file });
}

function enlarge(row) {
  const result = found.find((one) => one.row === row);
  if (!result) {
    large.close();
    return;
  }
  large.querySelector("img").src = "/picture?row=" + row;
  if (why) {
    why.hidden = !history.state.q; // only texts are explained
    why.setAttribute("aria-pressed", "false");
  }
  large.querySelector("img").alt = result.name;
  large.querySelector(".name").textContent = result.name;
  for (const step of large.querySelectorAll("[data-step]")) {
    step.disabled = !found[found.indexOf(result) + Number(step.dataset.step)];
  }
  if (!large.open) large.showModal();
}

// Neighbours replace each other in the history, so that Back leads to the results.
function move(step) {
  const next = found[found.findIndex((one) => one.row === history.state.open) + step];
  if (!next) return;
  const entry = { ...history.state, open: next.row };
  history.replaceState(entry, "", address(entry));
  enlarge(next.row);
}

// Turns the map of what makes the picture similar to the query on and off.
function explain() {
  const { q, open } = history.state;
  const on = why.getAttribute("aria-pressed") !== "true";
  why.setAttribute("aria-pressed", String(on));
  large.querySelector("img").src = (on ? "/why?" : "/picture?") +
    new URLSearchParams(on ? { row: open, q } : { row: open });
}

function leave() {
  const { open, here, ...entry } = history.state;
  if (here) {
    history.back();
    return;
  }
  history.replaceState(entry, "", address(entry));
  large.close();
}

large.addEventListener("click", (event) => {
  const pressed = event.target.dataset;
  if (pressed.step) move(Number(pressed.step));
  else if ("why" in pressed) explain();
  else if ("like" in pressed) like(found.find((one) => one.row === history.state.open));
  else if ("close" in pressed || event.target === large) leave();
});
large.addEventListener("cancel", (event) => {
  event.preventDefault(); // Escape
  leave();
});
large.addEventListener("keydown", (event) => {
  if (event.key === "ArrowLeft") move(-1);
  if (event.key === "ArrowRight") move(1);
});

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = query.value.trim();
  if (text) go(narrowed({ q: text }));
});
upload.addEventListener("change", () => byFile(upload.files[0]));
document.addEventListener("paste", (event) => byFile(event.clipboardData.files[0]));
for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(kind, (event) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    document.body.classList.toggle("dropping", kind === "dragenter" || kind === "dragover");
    if (kind === "drop") byFile(event.dataTransfer.files[0]);
  });
}
window.addEventListener("popstate", (event) => show(event.state ?? {}));

function ofAddress() {
  const parts = new URLSearchParams(location.search);
  const entry = {};
  if (parts.get("q")) entry.q = parts.get("q");
  if (parts.get("where")) entry.where = parts.get("where");
  if (parts.get("relevant") === "1") entry.relevant = true;
  for (const name of ["row", "open"]) {
    if (/^\d+$/.test(parts.get(name))) entry[name] = Number(parts.get(name));
  }
  return entry;
}

const first = history.state ?? ofAddress();
history.replaceState(first, "", address(first));
show(first);
