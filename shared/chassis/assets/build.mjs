// Writes what the pages load to chassis/web/pages/static, each file with its hash in its name and compressed beside it, and an index of the names.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { compile } from "sass";

const here = dirname(fileURLToPath(import.meta.url));
const target = join(here, "..", "chassis", "web", "pages", "static");
const index = {};

function keep(name, content) {
  const digest = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const hashed = name.replace(/(\.[a-z]+)$/, `-${digest}$1`);
  writeFileSync(join(target, hashed), content);
  writeFileSync(join(target, `${hashed}.gz`), gzipSync(content, { level: 9 }));
  index[name] = hashed;
  return hashed;
}

rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
const frontend = readFileSync(join(here, "node_modules/govuk-frontend/dist/govuk/govuk-frontend.min.js"), "utf8");
const library = keep("govuk-frontend.min.js", frontend.replace(/\n?\/\/# sourceMappingURL=.*/, ""));
keep("pages.js", readFileSync(join(here, "pages.js"), "utf8").replace("./govuk-frontend.min.js", `./${library}`));
keep("leave.js", readFileSync(join(here, "leave.js"), "utf8"));
keep("icon.svg", readFileSync(join(here, "icon.svg")));
keep("pages.css", compile(join(here, "pages.scss"), { style: "compressed", quietDeps: true }).css);
writeFileSync(join(target, "index.json"), JSON.stringify(index));
