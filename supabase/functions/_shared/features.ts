/** A payload of get_user_embedding_features, or any part of one. */
// deno-lint-ignore no-explicit-any
export type Json = any;

interface Segment {
  name: string;
  size: number;
  type: string;
  features?: string[];
  smoothing?: number;
  payload?: string;
  vocabulary?: string;
  normalizer?: string;
  formulas?: string[];
  zero_std?: number;
  divisor?: number;
  counts?: string[];
  least_divisor?: number;
}

// What schemas from before these keys, and those of the original, mean (docs/contract.md, section 7).
const FORMULAS: Record<string, string> = {
  account_age_days: "days(profile.created_at, as_of)",
  mean_price: "price_stats.mean",
  median_price: "price_stats.median",
  like_ratio: "ratio(decision_stats.like_count, decision_stats.decision_count)",
  like_count: "decision_stats.like_count",
  nope_count: "decision_stats.nope_count",
  decision_count: "decision_stats.decision_count",
  recent_like_days: "days(decision_stats.recent_like_at, as_of)",
};
const BY_NAME: Record<string, Partial<Segment>> = {
  numeric: { normalizer: "user_numeric", zero_std: 1 },
  hour_of_day: { payload: "decision_stats.average_like_hour", divisor: 23 },
  tag_vector: { payload: "tags", vocabulary: "vocab_tag.json" },
  actress_vector: { payload: "performers", vocabulary: "vocab_actress.json" },
  liked_history: { payload: "history.liked", counts: ["history.likes", "history.nopes"], least_divisor: 1e-9 },
  noped_history: { payload: "history.noped", counts: ["history.likes", "history.nopes"], least_divisor: 1e-9 },
};

/** Turns users' payloads into the user tower's input, as feature_schema.json says. */
export class FeatureEncoder {
  private readonly steps: { start: number; size: number; fill: (payload: Json, asOf: string, columns: Float32Array) => void }[] = [];
  readonly inputName: string;
  readonly inputDim: number;
  readonly embeddingDim: number;

  /** json gives a file of the release. */
  constructor(json: (name: string) => Json) {
    const schema = json("feature_schema.json");
    this.inputName = schema.input_name;
    this.inputDim = schema.input_dim;
    this.embeddingDim = schema.embedding_dim;
    let start = 0;
    for (const written of schema.segments as Segment[]) {
      const segment = { ...BY_NAME[written.name], ...written };
      this.steps.push({ start, size: segment.size, fill: bind(segment, json) });
      start += segment.size;
    }

    if (start !== this.inputDim) throw new Error(`feature_schema.json: input_dim is ${this.inputDim}, its segments add up to ${start}.`);
  }

  /** The vector of a user at a moment, ISO 8601. */
  encode(payload: Json, asOf: string): Float32Array {
    const vector = new Float32Array(this.inputDim);
    for (const { start, size, fill } of this.steps) fill(payload, asOf, vector.subarray(start, start + size));
    return vector;
  }
}

function bind(segment: Segment, json: (name: string) => Json): (payload: Json, asOf: string, columns: Float32Array) => void {
  const refuse = (reason: string) => new Error(`feature_schema.json: the segment ${segment.name} can't be used: ${reason}.`);
  switch (segment.type) {
    case "standard_score": {
      const names = segment.features ?? [];
      if (names.length !== segment.size) throw refuse(`its size is ${segment.size}, it names ${names.length} features`);
      const moments = json("normalizer.json")[segment.normalizer ?? ""];
      const columns = names.map((name, i) => {
        const formula = segment.formulas?.[i] ?? FORMULAS[name];
        if (!formula || !moments?.[name]) throw refuse(`the feature ${name} isn't known`);
        return {
          value: compile(formula),
          mean: moments[name].mean,
          std: moments[name].std === 0 ? segment.zero_std ?? 1 : moments[name].std,
        };
      });
      return (payload, asOf, into) => columns.forEach(({ value, mean, std }, i) => into[i] = (value(payload, asOf) - mean) / std);
    }
    case "scaled_bucket": {
      if (segment.size !== 1 || !segment.payload || !segment.divisor) throw refuse("it isn't the hour of a user");
      const { payload: path, divisor } = segment;
      return (payload, _, into) => into[0] = number(payload, path) / divisor;
    }
    case "l2_normalized_bow": {
      if (!segment.vocabulary || !segment.payload) throw refuse("it says neither vocabulary nor payload");
      const tokens: string[] = json(segment.vocabulary).tokens;
      if (tokens.length !== segment.size) throw refuse(`its size is ${segment.size}, its vocabulary has ${tokens.length} tokens`);
      const columns = new Map(tokens.map((token, i) => [token, i]));
      const path = segment.payload;
      return (payload, _, into) => {
        for (const token of at(payload, path) ?? []) {
          const column = columns.get(token);
          if (column !== undefined) into[column]++;
        }

        let squares = 0;
        for (const count of into) squares += count * count;
        const norm = Math.sqrt(squares);
        if (norm > 0) into.forEach((count, i) => into[i] = count / norm);
      };
    }
    case "pooled_history": {
      const { payload: path, counts, smoothing, size } = segment;
      if (!path || !counts || smoothing === undefined) throw refuse("it says neither payload nor counts nor smoothing");
      const least = segment.least_divisor ?? 1e-9;
      return (payload, _, into) => {
        const sum: number[] | undefined = at(payload, path);
        if (!sum) throw new Error(`The payload has no ${path}: ask for it with the release's model_version.`);
        if (sum.length === 0) return;
        if (sum.length !== size) {
          throw new Error(`The payload's ${path} has ${sum.length} numbers, the release's ${size}: it is of another release.`);
        }
        const divisor = Math.fround(Math.max(least, counts.reduce((total, count) => total + number(payload, count), smoothing)));
        sum.forEach((value, i) => into[i] = Math.fround(value) / divisor);
      };
    }
    default:
      throw refuse(`its type ${segment.type} isn't known`);
  }
}

function compile(formula: string): (payload: Json, asOf: string) => number {
  const call = /^([a-z]+)\(([^,()]+), ([^,()]+)\)$/.exec(formula);
  if (!call) {
    if (!/^[a-z_.]+$/.test(formula)) throw new Error(`feature_schema.json: the formula ${formula} isn't known.`);
    return (payload) => number(payload, formula);
  }

  const [, name, a, b] = call;
  const time = (payload: Json, asOf: string, path: string): number | null => {
    const text = path === "as_of" ? asOf : at(payload, path);
    return text === null || text === undefined ? null : seconds(text);
  };
  switch (name) {
    case "days":
      return (payload, asOf) => {
        const [from, to] = [time(payload, asOf, a), time(payload, asOf, b)];
        return from === null || to === null ? 0 : (to - from) / 86_400;
      };
    case "ratio":
      return (payload) => {
        const whole = number(payload, b);
        return whole === 0 ? 0.5 : Math.min(1, Math.max(0, number(payload, a) / whole));
      };
    default:
      throw new Error(`feature_schema.json: the formula ${formula} isn't known.`);
  }
}

// Date has milliseconds, the database microseconds. A time without an offset is UTC.
function seconds(text: string): number {
  const parts = /^(.*?)(?:\.(\d+))?(Z|[+-]\d\d:?\d\d)?$/.exec(text)!;
  const whole = Date.parse(parts[1].replace(" ", "T") + (parts[3] ?? "Z"));
  if (Number.isNaN(whole)) throw new Error(`${text} isn't a time.`);
  return whole / 1000 + (parts[2] ? Number(`0.${parts[2]}`) : 0);
}

function number(payload: Json, path: string): number {
  return Number(at(payload, path) ?? 0);
}

function at(payload: Json, path: string): Json {
  for (const key of path.split(".")) payload = payload?.[key];
  return payload;
}
