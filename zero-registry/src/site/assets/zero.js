// The catalogue's one script: the search, verification in the browser, and calls of pure modules.
// It reads files of this registry and nothing else; texts go into the page as text only.
"use strict";

const up = document.body.dataset.up;
const get = async (path) => {
  const answer = await fetch(up + path, { cache: "no-cache" });
  if (!answer.ok) throw new Error(`${path}: the server answered ${answer.status}`);
  return answer;
};
const bytesOf = async (path) => new Uint8Array(await (await get(path)).arrayBuffer());
const hex = (bytes) => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
const unbase64 = (text) => Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
const utf8 = new TextEncoder();
const concat = (...parts) => {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { all.set(part, at); at += part.length; }
  return all;
};
const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
const same = (a, b) => hex(a) === hex(b);

// Search (spec/catalogue.md): short lists under the beginnings of words, the rarest word's first.

const ENOUGH = 100;
const MOST_READ = 64;

const lists = new Map();
const listOf = (prefix) => {
  if (!lists.has(prefix)) {
    const read = fetch(`${up}site/s/${hex(utf8.encode(prefix))}.json`, { cache: "no-cache" });
    lists.set(prefix, read.then((answer) => (answer.ok ? answer.json() : null)));
  }
  return lists.get(prefix);
};
const wordsOf = (text) => text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean).map((word) => Array.from(word).slice(0, 24).join(""));
const baseOf = (name) => name.slice(name.lastIndexOf("/") + 1);
const entriesOf = (list) => (list.next ? Object.values(list.next).reduce((sum, one) => sum + one, 0) : list.entries);

// The list of a word, or of what it begins with.
async function descend(word) {
  const letters = Array.from(word);
  for (let length = 2; ; length++) {
    const prefix = letters.slice(0, length).join("");
    const list = await listOf(prefix);
    if (!list) return null;
    if (!list.next || length >= letters.length) return { prefix, list };
    if (!Object.hasOwn(list.next, letters[length])) return null;
  }
}

function fits(entry, words) {
  const all = wordsOf(`${entry.name} ${entry.description}`);
  const named = wordsOf(baseOf(entry.name));
  return words.every((word) => all.some((own) => own.startsWith(word)) || (word.length > 2 && named.some((own) => own.includes(word))));
}

async function search(query) {
  const words = wordsOf(query);
  const places = await Promise.all(words.filter((word) => Array.from(word).length > 1).map(descend));
  if (!places.length) return null;
  if (places.includes(null)) return { found: [], more: false };
  const open = [places.reduce((a, b) => (entriesOf(b.list) < entriesOf(a.list) ? b : a)).prefix];
  const found = new Map();
  for (let reads = 0; open.length && found.size < ENOUGH && reads < MOST_READ; reads++) {
    const prefix = open.pop();
    const list = (await listOf(prefix)) ?? { packages: [] };
    if (list.next) open.push(...Object.keys(list.next).sort().reverse().map((letter) => prefix + letter));
    else for (const entry of list.packages) if (fits(entry, words)) found.set(entry.name, entry);
  }
  const text = query.toLowerCase();
  const rank = ({ name }) => (name === text || baseOf(name) === text ? 0 : baseOf(name).startsWith(text) ? 1 : name.includes(text) ? 2 : 3);
  const sorted = [...found.values()].sort((a, b) => rank(a) - rank(b) || (a.name < b.name ? -1 : 1));
  return { found: sorted, more: open.length > 0 };
}

function show(result) {
  const section = document.getElementById("results");
  const told = document.getElementById("told");
  const list = document.getElementById("found");
  list.replaceChildren();
  section.hidden = false;
  if (!result) { told.textContent = "Type at least two letters of a word."; return; }
  const { found, more } = result;
  told.textContent = found.length === 1 ? "1 package" : `${found.length} packages`;
  if (more) told.textContent += "; there are more: add a word, or a letter";
  for (const entry of found) {
    const item = document.createElement("li");
    const link = document.createElement("a");
    link.href = up + entry.page;
    const name = document.createElement("strong");
    name.textContent = entry.name;
    const version = document.createElement("span");
    version.className = "version";
    version.textContent = entry.version;
    link.append(name, " ", version);
    const text = document.createElement("p");
    text.textContent = entry.description;
    item.append(link, text);
    list.append(item);
  }
}

const query = new URLSearchParams(location.search).get("q");
if (query !== null && document.getElementById("results")) {
  document.getElementById("q").value = query;
  search(query.trim()).then(show).catch(() => show({ found: [] }));
}

// Verification, in the order of spec/registry.md: the checkpoint, the leaf, the file.

const node = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

// The largest power of two below a count.
const split = (count) => { let half = 1; while (half * 2 < count) half *= 2; return half; };

class Tiles {
  constructor(size) { this.size = size; this.kept = new Map(); }
  static spread(index) {
    let text = String(index % 1000).padStart(3, "0");
    for (let rest = Math.floor(index / 1000); rest > 0; rest = Math.floor(rest / 1000)) text = `x${String(rest % 1000).padStart(3, "0")}/${text}`;
    return text;
  }
  async tile(level, index) {
    const key = `${level}/${index}`;
    if (!this.kept.has(key)) this.kept.set(key, this.load(level, index));
    return this.kept.get(key);
  }
  async load(level, index) {
    const hashes = Math.floor(this.size / 256 ** level);
    const width = Math.min(256, hashes - index * 256);
    const base = `tile/${level}/${Tiles.spread(index)}`;
    if (width === 256) return bytesOf(base);
    return bytesOf(`${base}.p/${width}`).catch(() => bytesOf(base));
  }
  // The hash over the leaves from..to.
  async hash(from, to) {
    const count = to - from;
    const height = Math.log2(count);
    if (Number.isInteger(height) && from % count === 0) {
      const level = Math.floor(height / 8);
      const unit = 256 ** level;
      const first = from / unit;
      const tile = await this.tile(level, Math.floor(first / 256));
      let row = [];
      for (let i = 0; i < count / unit; i++) { const at = ((first + i) % 256) * 32; row.push(tile.slice(at, at + 32)); }
      while (row.length > 1) { const next = []; for (let i = 0; i < row.length; i += 2) next.push(await node(row[i], row[i + 1])); row = next; }
      return row[0];
    }
    const middle = from + split(count);
    return node(await this.hash(from, middle), await this.hash(middle, to));
  }
}

// The root hash that follows from a leaf and the rest of the tree.
async function rootFrom(leaf, index, from, to, tiles) {
  if (to - from === 1) return leaf;
  const middle = from + split(to - from);
  return index < middle
    ? node(await rootFrom(leaf, index, from, middle, tiles), await tiles.hash(middle, to))
    : node(await tiles.hash(from, middle), await rootFrom(leaf, index, middle, to, tiles));
}

async function checkpoint(origin, logKey) {
  const text = new TextDecoder().decode(await bytesOf("checkpoint"));
  const [note, lines] = text.split("\n\n");
  const signed = utf8.encode(note + "\n");
  const [named, size, hash] = note.split("\n");
  const key = unbase64(logKey).slice(10);
  const id = (await sha256(concat(utf8.encode(`${origin}\n`), Uint8Array.of(1), key))).slice(0, 4);
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  for (const line of lines.split("\n")) {
    const [dash, name, blob] = line.split(" ");
    if (dash !== "\u2014" || name !== origin) continue;
    const bytes = unbase64(blob);
    if (!same(bytes.slice(0, 4), id)) continue;
    if (named === origin && await crypto.subtle.verify("Ed25519", imported, bytes.slice(4), signed)) return { size: Number(size), hash: unbase64(hash) };
  }
  throw new Error("the checkpoint is not signed by the log key");
}

async function leafAt(index, size) {
  const bundle = Math.floor(index / 256);
  const width = Math.min(256, size - bundle * 256);
  const base = `tile/entries/${Tiles.spread(bundle)}`;
  const bytes = width === 256 ? await bytesOf(base) : await bytesOf(`${base}.p/${width}`).catch(() => bytesOf(base));
  let at = 0;
  for (let i = bundle * 256; ; i++) {
    const length = bytes[at] * 256 + bytes[at + 1];
    if (i === index) return bytes.slice(at + 2, at + 2 + length);
    at += 2 + length;
    if (at >= bytes.length) throw new Error("the log has no such leaf");
  }
}

const panel = document.getElementById("check");

function step(text, good = true) {
  const item = document.createElement("li");
  item.className = good ? "ok" : "fail";
  item.textContent = `${good ? "✓" : "✗"} ${text}`;
  document.getElementById("steps").append(item);
}

async function verify() {
  const { record: file, version } = panel.dataset;
  const record = await (await get(`site/p/${file.slice(0, 2)}/${file}`)).json();
  const release = record.releases.find((one) => one.version === version);
  const head = await checkpoint(record.origin, record.log_key);
  step(`The log key signed a log of ${head.size} entries.`);
  const line = await leafAt(release.leaf, head.size);
  const leaf = await sha256(concat(Uint8Array.of(0), line));
  const root = await rootFrom(leaf, release.leaf, 0, head.size, new Tiles(head.size));
  if (!same(root, head.hash)) throw new Error("the release is not in the signed log");
  const event = JSON.parse(JSON.parse(new TextDecoder().decode(line)).e);
  if (event.kind !== "release" || event.origin !== record.origin || event.name !== record.name || event.version !== version) throw new Error("that entry of the log is of another release");
  step(`The release is entry ${release.leaf} of it.`);
  const blob = await bytesOf(`blob/${event.sha256.slice(0, 2)}/${event.sha256}.zero`);
  if (blob.length !== event.size || hex(await sha256(blob)) !== event.sha256) throw new Error("the file is not the one that was released");
  step(`All ${blob.length} bytes of the file are those that were released.`);
  return blob;
}

// A module without rights and without imports can do no more here than compute. It may compute for
// ever, in its start function too: nothing of it runs before somebody asks for a call.

async function offerCalls(blob) {
  const module = await WebAssembly.compile(blob);
  if (WebAssembly.Module.imports(module).length) return;
  const calls = WebAssembly.Module.exports(module).filter((one) => one.kind === "function" && !one.name.startsWith("_"));
  const place = document.getElementById("calls");
  if (!calls.length) return;
  const title = document.createElement("h3");
  title.textContent = "Call it in this page";
  place.append(title);
  let instance;
  for (const { name } of calls.slice(0, 32)) {
    const form = document.createElement("form");
    const input = document.createElement("input");
    input.placeholder = "numbers, with spaces between";
    input.setAttribute("aria-label", `${name}, its arguments`);
    const button = document.createElement("button");
    button.textContent = name;
    const result = document.createElement("output");
    form.append(input, button, result);
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      try {
        instance ??= await WebAssembly.instantiate(module, {});
        const call = instance.exports[name];
        const texts = input.value.split(/[\s,]+/).filter(Boolean);
        if (texts.length !== call.length) throw new Error(`it takes ${call.length} arguments`);
        const attempt = (read) => String(call(...texts.map(read)));
        try { result.textContent = attempt(Number); } catch (error) {
          // Arguments of 64 bits are whole numbers of another sort.
          if (!(error instanceof TypeError)) throw error;
          result.textContent = attempt(BigInt);
        }
      } catch (error) { result.textContent = String(error); }
    });
    place.append(form);
  }
}

if (panel) {
  const go = document.getElementById("go");
  if (crypto.subtle) go.hidden = false;
  go.addEventListener("click", async () => {
    go.disabled = true;
    document.getElementById("steps").replaceChildren();
    document.getElementById("calls").replaceChildren();
    try {
      const blob = await verify();
      if ("pure" in panel.dataset) await offerCalls(blob);
    } catch (error) {
      step(error.name === "NotSupportedError" ? "This browser cannot check Ed25519 signatures." : `Not verified: ${error.message}`, false);
    }
    go.disabled = false;
  });
  // A link to #check is a wish to see it checked.
  if (location.hash === "#check" && crypto.subtle) go.click();
}
