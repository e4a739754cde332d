// Prints what the openai client makes of a server's answer, as JSON.
// Usage: node complete.mjs <base URL> <model> <question> stream|whole|models
import OpenAI from "openai";

const [baseURL, model, content, what] = process.argv.slice(2);
const client = new OpenAI({ baseURL, apiKey: "any", maxRetries: 0 });
const asked = { model, messages: [{ role: "user", content }] };

async function answer() {
  if (what === "whole") return client.chat.completions.create(asked);
  const found = [];
  const source =
    what === "models"
      ? await client.models.list()
      : await client.chat.completions.create({ ...asked, stream: true });
  for await (const one of source) found.push(one);
  return found;
}

process.stdout.write(JSON.stringify(await answer()));
