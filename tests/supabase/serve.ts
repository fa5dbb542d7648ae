// Serves the edge functions at 127.0.0.1, each by its name, and says on which port, in which process. Ends with its standard input.
import { answer } from "../../supabase/functions/_shared/http.ts";
import { embedUser, recommend } from "../../supabase/functions/_shared/recommend.ts";

Deno.serve(
  { hostname: "127.0.0.1", port: 0, onListen: ({ port }) => console.log(`port ${port} ${Deno.pid}`) },
  (request) => answer(request, new URL(request.url).pathname.endsWith("/recommend") ? recommend : embedUser),
);
for await (const _ of Deno.stdin.readable);
Deno.exit(0);
