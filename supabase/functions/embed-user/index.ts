import { answer } from "../_shared/http.ts";
import { embedUser } from "../_shared/recommend.ts";

Deno.serve((request) => answer(request, embedUser));
