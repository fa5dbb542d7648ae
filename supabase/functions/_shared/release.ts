import { rpc } from "./database.ts";
import { FeatureEncoder, type Json } from "./features.ts";
import { ForeignTower } from "./foreign.ts";
import { Tower, UnknownNetwork } from "./onnx.ts";

const FILES = [
  "feature_schema.json",
  "model_meta.json",
  "normalizer.json",
  "probes.json",
  "user_tower.onnx",
  "vocab_actress.json",
  "vocab_tag.json",
];

// The active release, the one before it, and an experiment's.
const MOST_KEPT = 3;

/** The release is gone, or was never there. */
export class ReleaseGone extends Error {}

/** What runs of a release at the edge: features and the user tower. */
export class Release {
  private constructor(
    readonly version: string,
    private readonly encoder: FeatureEncoder,
    private readonly tower: Tower | ForeignTower,
    readonly ranking: Json | undefined,
  ) {}

  /** The embedding of a user at a moment. */
  async embed(payload: Json, asOf: string): Promise<Float32Array> {
    return await this.tower.run(this.encoder.encode(payload, asOf));
  }

  /** Makes a release of its files, and lets it prove itself by probes.json. */
  static async of(version: string, files: Map<string, Uint8Array>): Promise<Release> {
    const json = (name: string): Json => {
      const file = files.get(name);
      if (!file) throw new Error(`Release ${version} has no ${name}.`);
      return JSON.parse(new TextDecoder().decode(file));
    };
    const encoder = new FeatureEncoder(json);
    const network = files.get("user_tower.onnx");
    if (!network) throw new Error(`Release ${version} has no user_tower.onnx.`);
    const tower = await towerOf(version, network, encoder.inputDim);
    if (tower.inputName !== encoder.inputName) {
      throw new Error(`Release ${version}: the tower reads ${tower.inputName}, the schema says ${encoder.inputName}.`);
    }
    const release = new Release(version, encoder, tower, json("model_meta.json").ranking);
    if (files.has("probes.json")) await release.prove(json("probes.json"));
    return release;
  }

  private async prove(probes: Json): Promise<void> {
    for (const probe of probes.users) {
      const embedding = await this.embed(probe.payload, probes.as_of);
      if (embedding.length !== probe.embedding.length || embedding.some((value, i) => !(Math.abs(value - probe.embedding[i]) <= 1e-5))) {
        throw new Error(`Release ${this.version} doesn't give the embeddings of its probes.json: its files don't belong together.`);
      }
    }
  }
}

// The small reader starts in a tenth of the time that ONNX Runtime takes, and needs nothing from Storage.
async function towerOf(version: string, network: Uint8Array, inputDim: number): Promise<Tower | ForeignTower> {
  try {
    return Tower.read(network, inputDim);
  } catch (error) {
    if (!(error instanceof UnknownNetwork)) throw error;
    console.warn(`Release ${version} runs in ONNX Runtime: ${error.message}`);
    return await ForeignTower.read(network);
  }
}

const kept = new Map<string, Promise<Release>>();

/** A release, fetched once, verified and kept. */
export function releaseOf(version: string): Promise<Release> {
  let release = kept.get(version);
  if (release) {
    kept.delete(version); // the latest used is the last
  } else {
    release = load(version);
    release.catch(() => kept.delete(version)); // the next request tries again
  }

  kept.set(version, release);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value!);
  return release;
}

// A user tower of recipe v3 has ten million bytes: Uint8Array.from makes an object of each.
function decode(base64: string): Uint8Array<ArrayBuffer> {
  const letters = atob(base64);
  const bytes = new Uint8Array(letters.length);
  for (let i = 0; i < letters.length; i++) bytes[i] = letters.charCodeAt(i);
  return bytes;
}

async function load(version: string): Promise<Release> {
  const rows = await rpc<{ path: string; sha256: string; content: string | null }[]>("two_tower_release_files", {
    p_model_version: version,
    p_paths: FILES,
  });
  const files = new Map<string, Uint8Array>();
  for (const { path, sha256, content } of rows) {
    if (content === null) throw new ReleaseGone(`Release ${version} is retired: ${path} is gone.`);
    const bytes = decode(content);
    const hash = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)), (byte) => byte.toString(16).padStart(2, "0"))
      .join("");
    if (hash !== sha256.toLowerCase()) throw new Error(`Release ${version}: ${path} has the hash ${hash}, ${sha256} was expected.`);
    files.set(path, bytes);
  }

  if (files.size === 0) throw new ReleaseGone(`There is no release ${version}.`);
  return Release.of(version, files);
}
