import { secretKeys } from "./auth.ts";

/** An answer of PostgREST that is an error; code is PostgreSQL's, TwoTower's (TT…) or PostgREST's (PGRST…). */
export class DatabaseError extends Error {
  constructor(readonly status: number, readonly code: string, message: string, options?: ErrorOptions) {
    super(message, options);
  }

  /** Whether the release that was named is gone, or its vectors are: dropped since the request began. */
  get isGone(): boolean {
    return ["TT201", "TT202"].includes(this.code) || (this.code === "42P01" && this.message.includes("two_tower.video_embeddings_"));
  }

  /** Whether what was asked is why: not the database, what stands before it, a right that is missing, or functions and tables that are. */
  get isOfStatement(): boolean {
    return !this.isGone && /^(?!08|28|3F000|40|42501|42883|42P01|53|55|57|58)[0-9A-Z]{5}$/.test(this.code);
  }
}

/** What a request has as service_role. */
export function secretHeaders(): Record<string, string> {
  const key = secretKeys()[0];
  if (!key) throw new Error("There is no secret key: SUPABASE_SECRET_KEYS or SUPABASE_SERVICE_ROLE_KEY must be set.");
  // A new key is no token, and refused as one.
  return key.startsWith("eyJ") ? { apikey: key, authorization: `Bearer ${key}` } : { apikey: key };
}

/** Calls a function of schema public as service_role. */
export async function rpc<T>(name: string, args: Record<string, unknown>): Promise<T> {
  const headers = { ...secretHeaders(), "content-type": "application/json" };
  const body = JSON.stringify(args);
  let response: Response;
  let text: string;
  try {
    response = await fetch(`${Deno.env.get("SUPABASE_URL")}/rest/v1/rpc/${name}`, { method: "POST", headers, body });
    text = await response.text();
  } catch (error) {
    throw new DatabaseError(503, "", `${name} can't be asked`, { cause: error });
  }

  let answer: unknown;
  try {
    answer = text === "" ? null : JSON.parse(text);
  } catch (error) {
    // A gateway's page.
    throw new DatabaseError(response.ok ? 502 : response.status, "", `${name} answered ${response.status} without JSON`, { cause: error });
  }

  if (response.ok) return answer as T;
  const problem = (answer ?? {}) as { code?: string; message?: string };
  throw new DatabaseError(response.status, problem.code ?? "", problem.message ?? `${name} answered ${response.status}`);
}
