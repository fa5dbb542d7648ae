/** A video that the database found. */
export interface Candidate {
  video_id: string;
  similarity?: number;
  popularity?: number;
  price: number | null;
  released_at: string | null;
}

/** The numbers of model_meta.json's ranking. */
export interface Ranking {
  re_rank: boolean;
  similarity_weight: number;
  recency_boost: number;
  recency_days: number;
  upcoming_boost: number;
  free_bonus: number;
  cheap_bonus: number;
  cheap_below: number;
  dear_malus: number;
  dear_above: number;
  candidates_per_video: number;
  least_candidates: number;
  most_candidates: number;
}

/** Of releases that don't say: the original's are re-ranked (docs/contract.md, section 9). */
export const ORIGINAL: Ranking = {
  re_rank: true,
  similarity_weight: 0.75,
  recency_boost: 0.3,
  recency_days: 120,
  upcoming_boost: 0.1,
  free_bonus: 0.02,
  cheap_bonus: 0.03,
  cheap_below: 800,
  dear_malus: -0.05,
  dear_above: 4000,
  candidates_per_video: 4,
  least_candidates: 200,
  most_candidates: 500,
};

// The API's defaults (TwoTower:Recommendation).
const FRESH_EVERY = 5, FRESH_DAYS = 30;
const DAY = 86_400_000;

export interface Ranked<T extends Candidate> {
  candidate: T;
  rankScore: number;
}

/** How many candidates a list of some length is chosen from. */
export function candidatesFor(limit: number, rules: Ranking): number {
  return Math.min(Math.max(rules.candidates_per_video * limit, rules.least_candidates, limit), rules.most_candidates);
}

/** Orders candidates, equal ones by id. */
export function order<T extends Candidate>(candidates: T[], asOf: string, rules: Ranking): Ranked<T>[] {
  const now = Date.parse(asOf);
  return candidates
    .map((candidate) => ({ candidate, rankScore: score(candidate, now, rules) }))
    .sort((a, b) => b.rankScore - a.rankScore || (a.candidate.video_id < b.candidate.video_id ? -1 : 1));
}

/** Orders popular videos; every fifth place is kept for the newest that would have had none. */
export function orderFresh<T extends Candidate>(candidates: T[], limit: number, asOf: string, rules: Ranking): Ranked<T>[] {
  const ranked = order(candidates, asOf, { ...rules, re_rank: true });
  if (ranked.length <= limit || limit < FRESH_EVERY) return ranked.slice(0, limit);
  const now = Date.parse(asOf);
  const shown = new Set(ranked.slice(0, limit).map(({ candidate }) => candidate.video_id));
  const released = (candidate: T) => Date.parse(candidate.released_at!);
  const waiting = candidates
    .filter((one) =>
      one.released_at !== null && released(one) <= now && now - released(one) <= FRESH_DAYS * DAY && !shown.has(one.video_id)
    )
    .sort((a, b) => released(b) - released(a) || (a.video_id < b.video_id ? -1 : 1));
  const list: Ranked<T>[] = [];
  for (let next = 0; list.length < limit;) {
    const newest = (list.length + 1) % FRESH_EVERY === 0 ? waiting.shift() : undefined;
    list.push(newest ? { candidate: newest, rankScore: list[list.length - 1].rankScore } : ranked[next++]);
  }

  return list;
}

function score(candidate: Candidate, now: number, rules: Ranking): number {
  const value = candidate.similarity ?? candidate.popularity ?? 0;
  if (!rules.re_rank) return value;
  let score = rules.similarity_weight * value;
  if (candidate.released_at !== null) {
    const days = (now - Date.parse(candidate.released_at)) / DAY;
    score += days < 0 ? rules.upcoming_boost : rules.recency_boost * Math.exp(-days / rules.recency_days);
  }

  const { price } = candidate;
  if (price === null) return score;
  return score +
    (price <= 0 ? rules.free_bonus : price < rules.cheap_below ? rules.cheap_bonus : price > rules.dear_above ? rules.dear_malus : 0);
}
