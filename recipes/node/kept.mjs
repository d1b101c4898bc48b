// A file of JSON lines that survives whatever dies: a line is on the disk before `add` comes back.
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, truncateSync, writeSync } from "node:fs";

export class Kept {
  constructor(path) {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    const whole = text.slice(0, text.lastIndexOf("\n") + 1); // what was being written when this died is not there
    if (whole.length < text.length) truncateSync(path, Buffer.byteLength(whole));
    this.lines = whole.split("\n").filter(Boolean).map((line) => JSON.parse(line));
    this.file = openSync(path, "a");
  }

  add(entry) {
    writeSync(this.file, JSON.stringify(entry) + "\n");
    fsyncSync(this.file);
    this.lines.push(entry);
  }

  close() {
    closeSync(this.file);
  }
}
