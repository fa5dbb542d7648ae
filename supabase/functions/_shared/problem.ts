/** A refusal that the client reads: a problem document (RFC 9457), as the API's. */
export class Problem extends Error {
  constructor(readonly status: number, readonly slug: string, readonly detail: string, readonly headers: Record<string, string> = {}) {
    super(detail);
  }

  toResponse(): Response {
    const body = { type: `urn:twotower:problem:${this.slug}`, title: this.slug, status: this.status, detail: this.detail };
    return new Response(JSON.stringify(body), {
      status: this.status,
      headers: { "content-type": "application/problem+json", ...this.headers },
    });
  }
}
