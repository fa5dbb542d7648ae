import { authenticate, type Caller } from "./auth.ts";
import { DatabaseError } from "./database.ts";
import { Problem } from "./problem.ts";

// The longest list of a request is that of excluded videos: 1,000 ids are 39 kB.
const MOST_BYTES = 256 * 1024;

function cors(): Record<string, string> {
  return {
    "access-control-allow-origin": Deno.env.get("ALLOWED_ORIGIN") ?? "*",
    "access-control-allow-headers": "authorization, x-client-info, apikey, content-type",
    "access-control-allow-methods": "POST, OPTIONS",
  };
}

/** Answers a request: CORS, the method, the caller, the body, and every failure as a problem document. */
export async function answer(
  request: Request,
  work: (caller: Caller, body: Record<string, unknown>) => Promise<unknown>,
): Promise<Response> {
  if (request.method === "OPTIONS") return new Response(null, { status: 204, headers: cors() });
  let response: Response;
  try {
    if (request.method !== "POST") {
      throw new Problem(405, "method-not-allowed", `${request.method} isn't allowed here: send a POST.`, { allow: "POST, OPTIONS" });
    }

    const caller = await authenticate(request.headers);
    response = Response.json(await work(caller, await readBody(request)), { headers: { "cache-control": "no-store" } });
  } catch (error) {
    if (!(error instanceof Problem)) console.error(error);
    response = problemOf(error).toResponse();
  }

  for (const [name, value] of Object.entries(cors())) response.headers.set(name, value);
  return response;
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof DatabaseError && error.status >= 500) {
    return new Problem(503, "database-away", "The database doesn't answer: try again.", { "retry-after": "5" });
  }

  return new Problem(500, "internal-error", "Something failed here; the function's log says what.");
}

async function readBody(request: Request): Promise<Record<string, unknown>> {
  if (Number(request.headers.get("content-length") ?? 0) > MOST_BYTES) throw tooLarge();
  const text = await request.text();
  if (text.length > MOST_BYTES) throw tooLarge();
  if (text.trim() === "") return {};
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new Problem(400, "unreadable-request", 'The body isn\'t JSON: send an object such as {"limit": 20}.');
  }

  if (typeof body !== "object" || body === null || Array.isArray(body)) {
    throw new Problem(400, "unusable-request", 'The body isn\'t an object: send one such as {"limit": 20}.');
  }

  return body as Record<string, unknown>;
}

function tooLarge(): Problem {
  return new Problem(413, "body-too-large", `The body is over ${MOST_BYTES} bytes: send fewer ids.`);
}
