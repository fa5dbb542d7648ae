// Drives a project with supabase-js as an application does, and prints what came of it.
import { createClient } from "@supabase/supabase-js";

const options = { auth: { persistSession: false, autoRefreshToken: false } };
const service = createClient(Deno.env.get("SUPABASE_URL")!, Deno.env.get("SUPABASE_KEY")!, options);
const anon = createClient(Deno.env.get("SUPABASE_URL")!, Deno.env.get("SUPABASE_ANON_KEY")!, options);
const id = "00000000-0000-4000-8000-000000000001";

const out: Record<string, unknown> = {};
const vector = Array(256).fill(0.0625);
out.inserted = await service.from("videos").insert([{ id, title: "One" }, { id: id.replace(/1$/, "2"), title: "Two" }]).select("id,title");
out.tagged = await service.from("video_tags").insert([{ video_id: id, tag_name: "a" }, { video_id: id, tag_name: "b" }]);
out.page = await service.from("videos").select("id,video_tags(tag_name)", { count: "exact" }).order("id").range(0, 0);
out.counted = await service.from("videos").select("id", { count: "exact", head: true });
out.filtered = await service.from("videos").select("title").or(`title.eq.One,and(title.gt."One",id.gt.${id})`).order("title", { ascending: false });
out.upserted = await service.from("video_embeddings").upsert([{ video_id: id, embedding: vector }]);
out.again = await service.from("video_embeddings").upsert([{ video_id: id, embedding: JSON.stringify(vector) }], { onConflict: "video_id" }).select("video_id");
out.twice = await service.from("video_embeddings").upsert([{ video_id: id, embedding: vector }, { video_id: id, embedding: vector }]);
out.changed = await service.from("videos").update({ title: "First" }).eq("id", id).select("title");
out.deleted = await service.from("videos").delete({ count: "exact" }).eq("title", "Two");
out.called = await service.rpc("get_item_embedding_features", { video_id: id });
out.unknown = await service.rpc("get_item_embedding_features", { p_video: id });
out.hidden = await anon.from("user_video_decisions").select("*");
out.shown = await anon.from("videos").select("title");

const bucket = "model-artifacts";
out.bucket = await service.storage.createBucket(bucket, { public: false });
const files = service.storage.from(bucket);
const bytes = new TextEncoder().encode("{}");
out.uploaded = (await files.upload("two-tower/v2/x/manifest.json", bytes, { contentType: "application/json", cacheControl: "0" })).error;
out.refused = (await files.upload("two-tower/v2/x/manifest.json", bytes, { contentType: "application/json" })).error?.message;
out.copied = (await files.copy("two-tower/v2/x/manifest.json", "two-tower/v2/current/manifest.json")).error;
out.listed = (await files.list("two-tower/v2")).data?.map((entry) => entry.name);
out.downloaded = await (await files.download("two-tower/v2/current/manifest.json")).data?.text();
out.absent = (await files.download("none")).error?.name;
out.removed = (await files.remove(["two-tower/v2/x/manifest.json"])).data?.map((entry) => entry.name);
console.log(JSON.stringify(out));
