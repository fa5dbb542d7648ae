/** A network that isn't of the kind that is known here; ONNX Runtime may know it. What no runtime can run is another error. */
export class UnknownNetwork extends Error {}

/** A network of the operators that towers of TwoTower have: Gemm, Relu, ReduceL2, Max, Div, on one row. */
export class Tower {
  private constructor(
    private readonly nodes: Node[],
    private readonly constants: Map<string, Tensor>,
    readonly inputName: string,
    private readonly output: string,
  ) {}

  /** Reads an ONNX file, and tries it. */
  static read(file: Uint8Array, inputDim: number): Tower {
    const model = fields(file);
    const graph = bytesOf(model, 7)[0];
    if (!graph) throw new Error("user_tower.onnx has no graph.");
    if (bytesOf(model, 25).length > 0) throw new UnknownNetwork("user_tower.onnx has functions of its own.");
    const parts = fields(graph);
    const nodes = bytesOf(parts, 1).map(readNode);
    nodes.forEach(check);
    const constants = new Map(bytesOf(parts, 5).map(readTensor));
    const name = (value: Uint8Array) => textOf(fields(value), 1);
    const inputs = bytesOf(parts, 11).map(name).filter((input) => !constants.has(input));
    const outputs = bytesOf(parts, 12).map(name);
    if (inputs.length !== 1) throw new Error(`user_tower.onnx has ${inputs.length} inputs; one was expected.`);
    if (outputs.length !== 1) throw new UnknownNetwork(`user_tower.onnx has ${outputs.length} outputs.`);
    const tower = new Tower(nodes, constants, inputs[0], outputs[0]);
    tower.run(new Float32Array(inputDim)); // shapes show only then
    return tower;
  }

  /** The output for one row. */
  run(input: Float32Array): Float32Array {
    const values = new Map(this.constants);
    values.set(this.inputName, { dims: [1, input.length], data: input });
    for (const node of this.nodes) {
      const inputs = node.inputs.map((name) => {
        const value = values.get(name);
        if (!value) throw new Error(`user_tower.onnx: ${node.type} reads ${name}, which nothing makes.`);
        return value;
      });
      values.set(node.outputs[0], OPERATORS[node.type](node, inputs));
    }

    const result = values.get(this.output);
    if (!result) throw new Error(`user_tower.onnx makes no ${this.output}.`);
    return result.data;
  }
}

interface Tensor {
  dims: number[];
  data: Float32Array;
}

interface Node {
  type: string;
  domain: string;
  inputs: string[];
  outputs: string[];
  attributes: Map<string, { float: number; int: number; ints: number[] }>;
}

// How many inputs an operator may have, and which attributes: what has more may mean something else.
const FORMS: Record<string, { inputs: number[]; attributes: string[] }> = {
  Gemm: { inputs: [2, 3], attributes: ["alpha", "beta", "transA", "transB"] },
  Relu: { inputs: [1], attributes: [] },
  ReduceL2: { inputs: [1, 2], attributes: ["axes", "keepdims", "noop_with_empty_axes"] },
  Max: { inputs: [2], attributes: [] },
  Div: { inputs: [2], attributes: [] },
};

function check(node: Node): void {
  const form = node.domain === "" || node.domain === "ai.onnx" ? FORMS[node.type] : undefined;
  if (!form) throw new UnknownNetwork(`user_tower.onnx has the operator ${node.domain}${node.domain && "."}${node.type}.`);
  const odd = [...node.attributes.keys()].filter((name) => !form.attributes.includes(name));
  if (!form.inputs.includes(node.inputs.length) || node.inputs.includes("") || node.outputs.length !== 1 || odd.length > 0) {
    throw new UnknownNetwork(
      `user_tower.onnx has a ${node.type} of ${node.inputs.length} inputs, ${node.outputs.length} outputs and the attributes [${odd}].`,
    );
  }
}

const OPERATORS: Record<string, (node: Node, inputs: Tensor[]) => Tensor> = {
  Gemm(node, [x, weight, bias]) {
    const transposed = (node.attributes.get("transB")?.int ?? 0) === 1;
    const alpha = node.attributes.get("alpha")?.float ?? 1;
    const beta = node.attributes.get("beta")?.float ?? 1;
    if ((node.attributes.get("transA")?.int ?? 0) !== 0) throw new UnknownNetwork("user_tower.onnx has a Gemm with transA.");
    const [rows, columns] = transposed ? weight.dims : [weight.dims[1], weight.dims[0]];
    if (x.data.length !== columns) throw new Error(`user_tower.onnx: a Gemm of ${columns} numbers got ${x.data.length}.`);
    if (bias && bias.data.length !== 1 && (bias.data.length !== rows || bias.dims.at(-1) !== rows)) {
      throw new Error(`user_tower.onnx: a Gemm of ${rows} rows has a bias of [${bias.dims}].`);
    }
    const data = new Float32Array(rows);
    for (let row = 0; row < rows; row++) {
      let sum = 0;
      if (transposed) {
        const start = row * columns;
        for (let i = 0; i < columns; i++) sum += weight.data[start + i] * x.data[i];
      } else {
        for (let i = 0; i < columns; i++) sum += weight.data[i * rows + row] * x.data[i];
      }

      data[row] = alpha * sum + (bias ? beta * bias.data[bias.data.length === 1 ? 0 : row] : 0);
    }

    return { dims: [1, rows], data };
  },
  Relu(_, [x]) {
    return { dims: x.dims, data: x.data.map((value) => Math.max(0, value)) };
  },
  ReduceL2(node, [x, axes]) {
    const along = node.attributes.get("axes")?.ints ?? Array.from(axes?.data ?? []);
    const keeps = (node.attributes.get("keepdims")?.int ?? 1) === 1;
    if (along.length !== 1 || (along[0] !== 1 && along[0] !== -1) || !keeps || x.dims.length !== 2) {
      throw new UnknownNetwork(`user_tower.onnx has a ReduceL2 of [${x.dims}] along [${along}]${keeps ? "" : " without keepdims"}.`);
    }
    let squares = 0;
    for (const value of x.data) squares += value * value;
    return { dims: [1, 1], data: Float32Array.of(Math.sqrt(squares)) };
  },
  Max: (_, [a, b]) => pairs(a, b, Math.max),
  Div: (_, [a, b]) => pairs(a, b, (x, y) => x / y),
};

function pairs(a: Tensor, b: Tensor, of: (x: number, y: number) => number): Tensor {
  const fit = a.data.length === b.data.length && a.dims.at(-1) === b.dims.at(-1);
  if (!fit && a.data.length !== 1 && b.data.length !== 1) {
    throw new UnknownNetwork(`user_tower.onnx has a Max or Div of [${a.dims}] and [${b.dims}].`);
  }
  const longer = a.data.length >= b.data.length ? a : b;
  const data = new Float32Array(longer.data.length);
  for (let i = 0; i < data.length; i++) data[i] = of(a.data[a.data.length === 1 ? 0 : i], b.data[b.data.length === 1 ? 0 : i]);
  return { dims: longer.dims, data };
}

function readNode(bytes: Uint8Array): Node {
  const parts = fields(bytes);
  const attributes = bytesOf(parts, 5).map((attribute) => {
    const of = fields(attribute);
    const ints = of.filter((field) => field.number === 8).flatMap((field) =>
      field.bytes ? varints(field.bytes) : [Number(BigInt.asIntN(64, field.value))]
    );
    const bits = of.find((field) => field.number === 2)?.value ?? 0n;
    const int = of.find((field) => field.number === 3)?.value ?? 0n;
    return [textOf(of, 1), { float: floatOf(Number(bits)), int: Number(BigInt.asIntN(64, int)), ints }] as const;
  });
  const texts = (number: number) => bytesOf(parts, number).map((text) => new TextDecoder().decode(text));
  return { type: textOf(parts, 4), domain: textOf(parts, 7), inputs: texts(1), outputs: texts(2), attributes: new Map(attributes) };
}

function readTensor(bytes: Uint8Array): [string, Tensor] {
  const parts = fields(bytes);
  const name = textOf(parts, 8);
  const dims = parts.filter((field) => field.number === 1).flatMap((field) => field.bytes ? varints(field.bytes) : [Number(field.value)]);
  const type = Number(parts.find((field) => field.number === 2)?.value ?? 0n);
  const count = dims.reduce((product, dim) => product * dim, 1);
  let data: Float32Array;
  const raw = bytesOf(parts, 9)[0];
  if (type === 1 && raw) data = new Float32Array(raw.slice().buffer);
  else if (type === 1) {
    data = Float32Array.from(
      parts.filter((field) => field.number === 4).flatMap((field) =>
        field.bytes ? Array.from(new Float32Array(field.bytes.slice().buffer)) : [floatOf(Number(field.value))]
      ),
    );
  } else if (type === 7 && raw) data = Float32Array.from(new BigInt64Array(raw.slice().buffer), Number);
  else throw new UnknownNetwork(`user_tower.onnx: ${name} has numbers of type ${type}.`);
  if (data.length !== count) throw new Error(`user_tower.onnx: ${name} has ${data.length} numbers, its shape says ${count}.`);
  return [name, { dims, data }];
}

interface Field {
  number: number;
  value: bigint;
  bytes?: Uint8Array;
}

// Protocol buffers: a key, then a varint, 8 bytes, a length and bytes, or 4 bytes.
function fields(bytes: Uint8Array): Field[] {
  const found: Field[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = () => {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      if (at >= bytes.length) throw new Error("user_tower.onnx is cut off.");
      const byte = bytes[at++];
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }

    throw new Error("user_tower.onnx isn't ONNX.");
  };
  while (at < bytes.length) {
    const key = varint();
    const number = Number(key >> 3n);
    switch (Number(key & 7n)) {
      case 0:
        found.push({ number, value: varint() });
        break;
      case 1:
        found.push({ number, value: view.getBigUint64(at, true) });
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        if (at + length > bytes.length) throw new Error("user_tower.onnx is cut off.");
        found.push({ number, value: 0n, bytes: bytes.subarray(at, at + length) });
        at += length;
        break;
      }
      case 5:
        found.push({ number, value: BigInt(view.getUint32(at, true)) });
        at += 4;
        break;
      default:
        throw new Error("user_tower.onnx isn't ONNX.");
    }
  }

  return found;
}

function varints(bytes: Uint8Array): number[] {
  const values: number[] = [];
  let value = 0n, shift = 0n;
  for (const byte of bytes) {
    value |= BigInt(byte & 0x7f) << shift;
    shift += 7n;
    if (byte < 0x80) {
      values.push(Number(BigInt.asIntN(64, value)));
      value = shift = 0n;
    }
  }

  return values;
}

function bytesOf(parts: Field[], number: number): Uint8Array[] {
  return parts.filter((field) => field.number === number && field.bytes).map((field) => field.bytes!);
}

function textOf(parts: Field[], number: number): string {
  return new TextDecoder().decode(bytesOf(parts, number)[0] ?? new Uint8Array());
}

function floatOf(bits: number): number {
  const view = new DataView(new ArrayBuffer(4));
  view.setUint32(0, bits);
  return view.getFloat32(0);
}
