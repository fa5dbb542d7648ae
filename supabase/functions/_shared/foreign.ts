import { secretHeaders } from "./database.ts";
import { Problem } from "./problem.ts";

/** Where ONNX Runtime's WebAssembly is, which is too large for a function: 'twotower upload runtime' puts it there. */
export const RUNTIME = {
  bucket: "model-artifacts",
  path: "runtime/onnxruntime-web-1.30.0/ort-wasm-simd-threaded.wasm",
  sha256: "3398c10d07d229bd91b364548e130e0e51a8e5704b88c7c083ebbeb78842dee2",
};

/** ONNX Runtime can't be had: nobody put it into Storage, or Storage is away. No release is at fault. */
export class RuntimeAway extends Problem {
  constructor(reason: string, readonly remedy: string) {
    super(503, "runtime-away", `${RUNTIME.path} in the bucket ${RUNTIME.bucket}, which runs the active release, ${reason}: ${remedy}.`, {
      "retry-after": "5",
    });
  }
}

// deno-lint-ignore no-explicit-any
type OnnxRuntime = any;

/** A network that ONNX Runtime runs. */
export class ForeignTower {
  private constructor(
    private readonly runtime: OnnxRuntime,
    private readonly session: OnnxRuntime,
    readonly inputName: string,
    private readonly output: string,
  ) {}

  /** Reads an ONNX file; fetches ONNX Runtime before, the first time. */
  static async read(file: Uint8Array): Promise<ForeignTower> {
    const runtime = await loaded();
    const session = await runtime.InferenceSession.create(file, { executionProviders: ["wasm"] });
    sessions.register(session, session.handler);
    const [inputs, outputs]: string[][] = [session.inputNames, session.outputNames];
    const output = outputs.length === 1 ? outputs : outputs.filter((name) => name.endsWith("_embedding"));
    if (inputs.length !== 1 || output.length !== 1) {
      throw new Error(`user_tower.onnx has the inputs ${inputs} and the outputs ${outputs}; one of each was expected.`);
    }
    return new ForeignTower(runtime, session, inputs[0], output[0]);
  }

  /** The output for one row. */
  async run(input: Float32Array): Promise<Float32Array> {
    const row = new this.runtime.Tensor("float32", input, [1, input.length]);
    const result = (await this.session.run({ [this.inputName]: row }))[this.output];
    if (!(result.data instanceof Float32Array)) throw new Error(`user_tower.onnx gives numbers of type ${result.type}; float32 was expected.`);
    return result.data;
  }
}

// What a network holds in the WebAssembly's memory, nobody else frees.
const sessions = new FinalizationRegistry((handler: OnnxRuntime) => handler.dispose());

let runtime: Promise<OnnxRuntime> | undefined;

// Fetched once; after a failure the next request tries again.
function loaded(): Promise<OnnxRuntime> {
  runtime ??= load().catch((error) => {
    runtime = undefined;
    throw error;
  });
  return runtime;
}

async function load(): Promise<OnnxRuntime> {
  const wasm = await download();
  const hash = Array.from(new Uint8Array(await crypto.subtle.digest("SHA-256", wasm)), (byte) => byte.toString(16).padStart(2, "0")).join("");
  if (hash !== RUNTIME.sha256) {
    throw new RuntimeAway(`has the SHA-256 ${hash} where ${RUNTIME.sha256} was expected`, "put it there with 'twotower upload runtime FILE'");
  }
  const runtime = await import("./onnxruntime-web/ort.wasm.bundle.min.mjs");
  // An isolate has one thread.
  runtime.env.wasm.numThreads = 1;
  runtime.env.wasm.wasmBinary = wasm;
  return runtime;
}

async function download(): Promise<ArrayBuffer> {
  const url = `${Deno.env.get("SUPABASE_URL")}/storage/v1/object/${RUNTIME.bucket}/${RUNTIME.path}`;
  let problem: { statusCode?: string };
  try {
    const response = await fetch(url, { headers: secretHeaders() });
    if (response.ok) return await response.arrayBuffer();
    problem = await response.json();
  } catch (error) {
    console.error(error);
    throw away();
  }

  if (problem.statusCode !== "404") {
    console.error(`Storage answered for ${RUNTIME.path}:`, problem);
    throw away();
  }
  throw new RuntimeAway("isn't there", "put it there with 'twotower upload runtime FILE'");
}

const away = () => new RuntimeAway("can't be fetched", "try again; the function's log says why");
