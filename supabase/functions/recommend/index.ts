import { answer } from "../_shared/http.ts";
import { recommend } from "../_shared/recommend.ts";

Deno.serve((request) => answer(request, recommend));
