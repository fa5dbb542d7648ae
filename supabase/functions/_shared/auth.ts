import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  type FlattenedJWSInput,
  type JWSHeaderParameters,
  jwtVerify,
} from "jose";
import { Problem } from "./problem.ts";

/** Who asks: a signed-in user, or a server of the project's own, which may ask for any user. */
export type Caller = { kind: "user"; userId: string } | { kind: "service" };

export const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

type KeySet = ReturnType<typeof createLocalJWKSet> | ReturnType<typeof createRemoteJWKSet>;

let jwks: KeySet | undefined;

// What a token is refused for; whatever else keeps the keys from us isn't the token's fault.
const NO_SUCH_KEY = ["ERR_JWKS_NO_MATCHING_KEY", "ERR_JWKS_MULTIPLE_MATCHING_KEYS"];

/** The keys that tokens are verified with can't be had. */
class KeysAway extends Error {}

/** The project's secret keys: new ones (sb_secret_…), which are no tokens, and the legacy service_role key, which is one. */
export function secretKeys(): string[] {
  const keys: string[] = [];
  const named = Deno.env.get("SUPABASE_SECRET_KEYS");
  if (named) keys.push(...Object.values(parse(named)));
  const legacy = Deno.env.get("SUPABASE_SERVICE_ROLE_KEY");
  if (legacy) keys.push(legacy);
  return keys;
}

// What JSON.parse throws repeats what it read: a secret.
function parse(keys: string): Record<string, string> {
  let read: unknown;
  try {
    read = JSON.parse(keys);
  } catch {
    read = undefined;
  }

  // Of a text the values would be its letters, each of them a key.
  const isOne = typeof read === "object" && read !== null && !Array.isArray(read) &&
    Object.values(read).every((key) => typeof key === "string" && key !== "");
  if (!isOne) throw new Error("SUPABASE_SECRET_KEYS isn't a JSON object of keys, such as {\"default\": \"sb_secret_…\"}.");
  return read as Record<string, string>;
}

/** Tells the caller by the verified token, or by a secret key. */
export async function authenticate(headers: Headers): Promise<Caller> {
  const token = /^Bearer\s+(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
  for (const presented of [headers.get("apikey"), token]) {
    if (presented && (await isSecretKey(presented))) return { kind: "service" };
  }

  if (!token) throw unauthorized("There is no user's token: send it as Authorization: Bearer …");
  const claims = await verify(token);
  if (claims.role === "service_role") return { kind: "service" };
  if (claims.role !== "authenticated" || typeof claims.sub !== "string" || !UUID.test(claims.sub)) {
    throw unauthorized("The token is no signed-in user's.");
  }

  return { kind: "user", userId: claims.sub.toLowerCase() };
}

async function verify(token: string): Promise<Record<string, unknown>> {
  try {
    const secret = Deno.env.get("JWT_SECRET");
    // Which key a token may be verified with, its algorithm decides, and never the other way round.
    if (secret && decodeProtectedHeader(token).alg === "HS256") {
      return (await jwtVerify(token, new TextEncoder().encode(secret), { algorithms: ["HS256"], requiredClaims: ["exp"] })).payload;
    }

    return (await jwtVerify(token, key, { algorithms: ["ES256", "RS256", "EdDSA"], requiredClaims: ["exp"] })).payload;
  } catch (error) {
    if (error instanceof KeysAway) {
      console.error(error);
      throw new Problem(503, "keys-away", "Tokens can't be verified at the moment: try again.", { "retry-after": "5" });
    }

    throw unauthorized("The token isn't valid, or has expired: sign in again.");
  }
}

async function key(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey> {
  try {
    return await keySet()(header, token);
  } catch (error) {
    if (NO_SUCH_KEY.includes((error as { code?: string }).code ?? "")) throw error;
    throw new KeysAway("The project's public keys can't be used (SUPABASE_JWKS, or what SUPABASE_URL publishes).", { cause: error });
  }
}

function keySet(): KeySet {
  const given = Deno.env.get("SUPABASE_JWKS");
  jwks ??= given
    ? createLocalJWKSet(JSON.parse(given))
    : createRemoteJWKSet(new URL(`${Deno.env.get("SUPABASE_URL")}/auth/v1/.well-known/jwks.json`));
  return jwks as KeySet;
}

// By their hashes: how long a comparison takes says nothing of the key.
async function isSecretKey(presented: string): Promise<boolean> {
  const hash = await digest(presented);
  let found = false;
  for (const key of secretKeys()) found = (await digest(key)) === hash || found;
  return found;
}

async function digest(text: string): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))).join();
}

function unauthorized(detail: string): Problem {
  return new Problem(401, "unauthorized", detail, { "www-authenticate": "Bearer" });
}
