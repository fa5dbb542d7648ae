import { type Caller, UUID } from "./auth.ts";
import { DatabaseError, rpc } from "./database.ts";
import type { Json } from "./features.ts";
import { RuntimeAway } from "./foreign.ts";
import { Problem } from "./problem.ts";
import { type Candidate, candidatesFor, order, orderFresh, ORIGINAL, type Ranked, type Ranking } from "./rank.ts";
import { type Release, ReleaseGone, releaseOf } from "./release.ts";

// A release that is gone was superseded at least once: as often in a row isn't chance.
const ATTEMPTS = 8;

interface Context {
  model_version: string | null;
  as_of: string;
  read_at: string;
  like_count: number;
  payload: Json;
  experiment_id: number | null;
  is_treated: boolean;
}

interface Video extends Candidate {
  external_id: string | null;
  title: string | null;
  thumbnail_url: string | null;
  duration_seconds: number | null;
}

interface Filters {
  p_max_safety_level: number;
  p_allowed_regions: string[] | null;
  p_exclude_video_ids: string[] | null;
  p_banned_tags: string[] | null;
  p_banned_tag_ids: string[] | null;
  p_seen_by: string | null;
}

// What a search of any release answers to: nothing of a client's is in it.
const ANY_VIDEO: Filters = {
  p_max_safety_level: 32_767,
  p_allowed_regions: null,
  p_exclude_video_ids: null,
  p_banned_tags: null,
  p_banned_tag_ids: null,
  p_seen_by: null,
};

/** Videos for a user: one context request, one run of the tower, one search. */
export async function recommend(caller: Caller, body: Record<string, unknown>): Promise<unknown> {
  const known = ["user_id", "limit", "bannedTagIds", "bannedTags", "allowedRegions", "excludeVideoIds", "maxSafetyLevel", "includeSeen"];
  const userId = readUser(caller, body, known);
  const limit = readNumber(body, "limit", 1, 100) ?? 20;
  const includeSeen = body.includeSeen ?? false;
  if (typeof includeSeen !== "boolean") throw invalid("includeSeen", body.includeSeen, "true or false");
  const filters: Filters = {
    p_max_safety_level: readNumber(body, "maxSafetyLevel", 0, 32_767) ?? 1,
    p_allowed_regions: readTexts(body, "allowedRegions", 100),
    p_exclude_video_ids: readTexts(body, "excludeVideoIds", 1_000, UUID),
    p_banned_tags: readTexts(body, "bannedTags", 100),
    p_banned_tag_ids: readTexts(body, "bannedTagIds", 100, UUID),
    p_seen_by: includeSeen ? null : userId,
  };
  return await withContext(userId, async (context, release) => {
    const ranking = (release?.ranking ?? ORIGINAL) as Ranking;
    let ranked: Ranked<Video>[];
    if (release) {
      const embedding = await release.embed(context.payload, context.as_of);
      const found = await search(release.version, embedding, candidatesFor(limit, ranking), filters);
      ranked = order(found, context.as_of, ranking).slice(0, limit);
    } else {
      const found = await rpc<Video[]>("two_tower_popular_videos", {
        p_limit: candidatesFor(limit, ranking),
        p_as_of: context.as_of,
        ...filters,
      });
      ranked = orderFresh(found, limit, context.as_of, ranking);
    }

    const strategy = release ? "two_tower" : "popular_and_fresh";
    record({
      user_id: userId,
      model_version: release?.version ?? null,
      strategy,
      video_ids: ranked.map(({ candidate }) => candidate.video_id),
      experiment_id: context.experiment_id,
      served_at: context.read_at,
      filters: Object.fromEntries(Object.entries(filters).map(([name, value]) => [name.slice(2), value])),
    });
    return {
      strategy,
      modelVersion: release?.version ?? null,
      asOf: context.as_of,
      videos: ranked.map(({ candidate, rankScore }, i) => ({
        rank: i + 1,
        videoId: candidate.video_id,
        externalId: candidate.external_id,
        title: candidate.title,
        thumbnailUrl: candidate.thumbnail_url,
        durationSeconds: candidate.duration_seconds,
        price: candidate.price,
        releasedAt: candidate.released_at,
        score: candidate.similarity ?? null,
        probability: candidate.similarity === undefined ? null : 1 / (1 + Math.exp(-candidate.similarity)),
        popularity: candidate.popularity ?? null,
        rankScore,
      })),
    };
  });
}

/** A user's embedding, with the release that it is of: it means nothing beside another release's vectors. */
export async function embedUser(caller: Caller, body: Record<string, unknown>): Promise<unknown> {
  const userId = readUser(caller, body, ["user_id"]);
  return await withContext(userId, async (context, release) => {
    if (!release) {
      throw new Problem(404, "no-likes", "The user has no likes yet: there is nothing to embed. recommend answers with popular videos.");
    }
    return {
      modelVersion: release.version,
      asOf: context.as_of,
      embedding: Array.from(await release.embed(context.payload, context.as_of)),
    };
  });
}

// What the client sent may be why a search fails, or the release's vector: without the former only the latter is left.
async function search(version: string, embedding: Float32Array, limit: number, filters: Filters): Promise<Video[]> {
  const ask = (limit: number, filters: Filters) =>
    rpc<Video[]>("two_tower_search", { p_model_version: version, p_embedding: Array.from(embedding), p_limit: limit, ...filters });
  try {
    return await ask(limit, filters);
  } catch (error) {
    if (!(error instanceof DatabaseError) || !error.isOfStatement) throw error;
    const answer = await ask(1, ANY_VIDEO).catch((other) => other);
    if (answer instanceof DatabaseError && answer.isOfStatement) throw new Error(`Release ${version} can't be searched.`, { cause: error });
    throw error;
  }
}

// Works with the release that the user is served by, none for a user without likes. A release that vanishes meanwhile has a successor; an
// experiment's that can't be used leaves its users to the active one.
async function withContext<T>(userId: string, work: (context: Context, release: Release | null) => Promise<T>): Promise<T> {
  let except: string | null = null;
  for (let attempt = 1;; attempt++) {
    let context: Context | undefined;
    let version: string | null = null;
    try {
      context = await rpc<Context>("two_tower_request_context", { p_user_id: userId, p_except: except });
      if (context.like_count > 0 && context.model_version === null) throw noRelease("No release is active.");
      version = context.like_count > 0 ? context.model_version : null;
      return await work(context, version === null ? null : await releaseOf(version));
    } catch (error) {
      if (error instanceof RuntimeAway) {
        console.error(`Release ${version}: ${error.detail}`);
        if (context?.is_treated && attempt < ATTEMPTS) {
          except = version;
          continue;
        }
      }

      if (error instanceof Problem) throw error;
      if (error instanceof DatabaseError && error.code === "22023") throw new Problem(400, "unusable-request", error.message);
      const isGone = error instanceof ReleaseGone || (error instanceof DatabaseError && error.isGone);
      if (isGone && !context && attempt < ATTEMPTS) continue;
      // Anything else of the database's isn't the release's fault.
      if (!context || version === null || (error instanceof DatabaseError && !isGone)) throw error;
      if (!isGone || attempt === ATTEMPTS) record({ user_id: userId, model_version: version, strategy: "two_tower", failed: true });
      if (attempt < ATTEMPTS && (isGone || context.is_treated)) {
        if (context.is_treated) except = version;
        continue;
      }

      console.error(error);
      throw noRelease(`The active release ${version} can't be used here.`);
    }
  }
}

// Nobody waits for it: an isolate that has answered lives until it is done.
function record(answer: Record<string, unknown>): void {
  const share = Number(Deno.env.get("IMPRESSION_SHARE") ?? "0.1");
  const done = rpc("two_tower_record_serving", { p_answers: [answer], p_share: share }).catch((error) =>
    console.error("what was served wasn't recorded:", error)
  );
  (globalThis as unknown as { EdgeRuntime?: { waitUntil(work: Promise<unknown>): void } }).EdgeRuntime?.waitUntil(done);
}

function noRelease(detail: string): Problem {
  return new Problem(503, "no-usable-release", detail, { "retry-after": "5" });
}

function readUser(caller: Caller, body: Record<string, unknown>, known: string[]): string {
  for (const name of Object.keys(body)) {
    if (!known.includes(name)) throw new Problem(400, "unusable-request", `${name} isn't known; known are ${known.join(", ")}.`);
  }
  const named = body.user_id;
  if (named !== undefined && (typeof named !== "string" || !UUID.test(named))) throw invalid("user_id", named, "a uuid");
  if (caller.kind === "service") {
    if (named === undefined) throw new Problem(400, "unusable-request", "user_id is missing: a secret key is no user's.");
    return (named as string).toLowerCase();
  }

  if (named !== undefined && (named as string).toLowerCase() !== caller.userId) {
    throw new Problem(403, "forbidden", "user_id isn't the token's user: leave it out, or ask with a secret key.");
  }

  return caller.userId;
}

function readNumber(body: Record<string, unknown>, name: string, least: number, most: number): number | undefined {
  const value = body[name];
  if (value === undefined || value === null) return undefined;
  if (!Number.isInteger(value) || (value as number) < least || (value as number) > most) {
    throw invalid(name, value, `a whole number of ${least} to ${most}`);
  }
  return value as number;
}

function readTexts(body: Record<string, unknown>, name: string, most: number, form?: RegExp): string[] | null {
  const value = body[name];
  if (value === undefined || value === null) return null;
  if (
    !Array.isArray(value) || value.length > most ||
    value.some((one) => typeof one !== "string" || one.length > 200 || one.includes("\0") || (form && !form.test(one)))
  ) {
    throw invalid(name, value, `an array of at most ${most} ${form ? "uuids" : "texts"}`);
  }

  return value.length === 0 ? null : value;
}

function invalid(name: string, value: unknown, expected: string): Problem {
  return new Problem(400, "unusable-request", `${name} is ${JSON.stringify(value)?.slice(0, 100)}: send ${expected}.`);
}
