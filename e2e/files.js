// Reads what was exported, by our own hands: sheets and CSV as rows of text.
import { readFileSync } from "node:fs";
import { inflateRawSync } from "node:zlib";

// The members of a ZIP archive by name, from its directory at the end.
function members(path) {
  const bytes = readFileSync(path);
  const end = bytes.lastIndexOf(Buffer.from("PK\x05\x06", "latin1"));
  const found = new Map();
  let at = bytes.readUInt32LE(end + 16);
  for (let left = bytes.readUInt16LE(end + 10); left > 0; left -= 1) {
    const [name, extra, comment] = [28, 30, 32].map((place) => bytes.readUInt16LE(at + place));
    const [method, size, from] = [bytes.readUInt16LE(at + 10), bytes.readUInt32LE(at + 20), bytes.readUInt32LE(at + 42)];
    const begin = from + 30 + bytes.readUInt16LE(from + 26) + bytes.readUInt16LE(from + 28);
    const packed = bytes.subarray(begin, begin + size);
    found.set(bytes.toString("utf8", at + 46, at + 46 + name), method === 0 ? packed : inflateRawSync(packed));
    at += 46 + name + extra + comment;
  }
  return found;
}

const ENTITIES = { lt: "<", gt: ">", quot: '"', apos: "'", amp: "&" };
const plain = (xml) => xml.replace(/<[^>]+>/g, "").replace(/&(\w+);/g, (_, name) => ENTITIES[name]);

// The first sheet of a workbook.
export function sheet(path) {
  const parts = members(path);
  const shared = (parts.get("xl/sharedStrings.xml")?.toString().match(/<si>.*?<\/si>/gs) ?? []).map(plain);
  const xml = parts.get("xl/worksheets/sheet1.xml").toString();
  const cells = (row) => row.match(/<c[ >](?:[^>]*\/>|.*?<\/c>)/gs) ?? [];
  const text = (cell) => (/^<c[^>]* t="s"/.test(cell) ? shared[Number(plain(cell))] : plain(cell));
  return xml.match(/<row[ >].*?<\/row>/gs).map((row) => cells(row).map(text));
}

// A CSV file, with quotes as RFC 4180 has them.
export function csv(path) {
  const text = readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  const cells = text.matchAll(/("(?:[^"]|"")*"|[^,\r\n]*)(,|\r?\n|$)/g);
  const rows = [[]];
  for (const [, cell, end] of cells) {
    rows.at(-1).push(cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell);
    if (end === "") break;
    if (end !== ",") rows.push([]);
  }
  return rows.filter((row) => row.length > 1 || row[0] !== "");
}

// Rows below a head as values by lower-case title.
export function records([head, ...rows]) {
  const names = head.map((title) => title.toLowerCase());
  return rows.map((row) => Object.fromEntries(names.map((name, index) => [name, row[index]])));
}
