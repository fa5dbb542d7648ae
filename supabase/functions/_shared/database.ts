import { secretKeys } from "./auth.ts";

/** An answer of PostgREST that is an error; code is PostgreSQL's, TwoTower's (TT…) or PostgREST's (PGRST…). */
export class DatabaseError extends Error {
  constructor(readonly status: number, readonly code: string, message: string) {
    super(message);
  }
}

/** Calls a function of schema public as service_role. */
export async function rpc<T>(name: string, args: Record<string, unknown>): Promise<T> {
  const key = secretKeys()[0];
  if (!key) throw new Error("There is no secret key: SUPABASE_SECRET_KEYS or SUPABASE_SERVICE_ROLE_KEY must be set.");
  const headers: Record<string, string> = { apikey: key, "content-type": "application/json" };
  // A new key is no token, and refused as one.
  if (key.startsWith("eyJ")) headers.authorization = `Bearer ${key}`;
  const response = await fetch(`${Deno.env.get("SUPABASE_URL")}/rest/v1/rpc/${name}`, {
    method: "POST",
    headers,
    body: JSON.stringify(args),
  });
  const text = await response.text();
  if (response.ok) return (text === "" ? null : JSON.parse(text)) as T;
  let problem: { code?: string; message?: string } = {};
  try {
    problem = JSON.parse(text);
  } catch {
    // A gateway's page.
  }

  throw new DatabaseError(response.status, problem.code ?? "", problem.message ?? `${name} answered ${response.status}`);
}
