// Standard input: {"files": {name: base64}, "as_of", "payloads": [...]}; standard output: {"vectors", "embeddings"}, as the edge computes them.
import { FeatureEncoder } from "../../supabase/functions/_shared/features.ts";
import { Release } from "../../supabase/functions/_shared/release.ts";

const input = JSON.parse(await new Response(Deno.stdin.readable).text());
const files = new Map<string, Uint8Array>(
  Object.entries(input.files as Record<string, string>)
    .map(([name, content]) => [name, Uint8Array.from(atob(content), (c) => c.charCodeAt(0))]),
);
const encoder = new FeatureEncoder((name) => JSON.parse(new TextDecoder().decode(files.get(name))));
const release = await Release.of("test", files);
const embeddings = [];
for (const payload of input.payloads) embeddings.push(Array.from(await release.embed(payload, input.as_of)));
console.log(JSON.stringify({
  vectors: input.payloads.map((payload: unknown) => Array.from(encoder.encode(payload, input.as_of))),
  embeddings,
}));
