// Reads AsyncAPI documents with the AsyncAPI initiative's own parser; prints what it says against each, as JSON.
import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';

const parser = new Parser();
const said = {};
for (const file of process.argv.slice(2)) {
  const { document, diagnostics } = await parser.parse(readFileSync(file, 'utf8'));
  said[file] = {
    read: document !== undefined,
    messages: document ? document.messages().length : 0,
    against: diagnostics.map(({ severity, code, message, path }) => ({ severity, code, message, path: path.join('/') })),
  };
}
console.log(JSON.stringify(said));
