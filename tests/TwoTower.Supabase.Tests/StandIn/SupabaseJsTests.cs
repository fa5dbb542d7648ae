using System.Diagnostics;
using System.Text.Json;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.StandIn;

/// <summary>The stand-in is what the real client of Supabase's takes for a project.</summary>
public sealed class SupabaseJsTests(SupabaseServer server)
{
    [Fact]
    public async Task The_real_supabase_js_reads_writes_calls_and_stores()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var (deno, noDeno) = await NpmTools.InstallAsync("supabase");
        Assert.SkipWhen(deno is null, noDeno);
        var (client, noClient) = await NpmTools.InstallAsync("supabase-js");
        Assert.SkipWhen(client is null, noClient);
        await using var db = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: false));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await using var standIn = new SupabaseStandIn(db);

        var result = await DriveAsync(deno!, client!, standIn);

        Assert.Equal((201, 2), (Status(result, "inserted"), Data(result, "inserted").GetArrayLength()));
        Assert.Equal(201, Status(result, "tagged"));
        var page = result.GetProperty("page");
        Assert.Equal((206, 2), (Status(result, "page"), page.GetProperty("count").GetInt32()));
        Assert.Equal(["a", "b"], Data(result, "page")[0].GetProperty("video_tags").EnumerateArray().Select(tag => tag.GetProperty("tag_name").GetString()));
        Assert.Equal(2, result.GetProperty("counted").GetProperty("count").GetInt32());
        Assert.Equal(["Two", "One"], Data(result, "filtered").EnumerateArray().Select(row => row.GetProperty("title").GetString()));
        Assert.Equal((201, 200, 500), (Status(result, "upserted"), Status(result, "again"), Status(result, "twice")));
        Assert.Equal("21000", result.GetProperty("twice").GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("First", Data(result, "changed")[0].GetProperty("title").GetString());
        Assert.Equal(1, result.GetProperty("deleted").GetProperty("count").GetInt32());
        Assert.Equal("00000000-0000-4000-8000-000000000001", Data(result, "called").GetProperty("video_id").GetString());
        Assert.Equal((404, "PGRST202"), (Status(result, "unknown"), result.GetProperty("unknown").GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal((401, 200), (Status(result, "hidden"), Status(result, "shown")));

        Assert.Equal("model-artifacts", result.GetProperty("bucket").GetProperty("data").GetProperty("name").GetString());
        Assert.Equal(JsonValueKind.Null, result.GetProperty("uploaded").ValueKind);
        Assert.Equal("The resource already exists", result.GetProperty("refused").GetString());
        Assert.Equal(["current", "x"], result.GetProperty("listed").EnumerateArray().Select(name => name.GetString()));
        Assert.Equal("{}", result.GetProperty("downloaded").GetString());
        Assert.StartsWith("Storage", result.GetProperty("absent").GetString(), StringComparison.Ordinal);
        Assert.Equal("two-tower/v2/x/manifest.json", result.GetProperty("removed")[0].GetString());
    }

    private static int Status(JsonElement result, string what) => result.GetProperty(what).GetProperty("status").GetInt32();

    private static JsonElement Data(JsonElement result, string what) => result.GetProperty(what).GetProperty("data");

    // Bare names of packages are found in the folder of the tools, whose package.json is above the script.
    private static async Task<JsonElement> DriveAsync(NpmTools deno, NpmTools client, SupabaseStandIn standIn)
    {
        var script = client.PathOf("..", $"drive-{Environment.ProcessId}.ts");
        File.Copy(Path.Combine(PostgresFixture.RepositoryRoot(), "tests", "supabase-js", "drive.ts"), script, overwrite: true);
        try
        {
            var start = deno.Start("deno", "run", "--quiet", "--node-modules-dir=manual", "--no-lock", "--no-check", "--allow-env", "--allow-read", "--allow-net=127.0.0.1", script);
            start.WorkingDirectory = client.PathOf("..");
            start.Environment["SUPABASE_URL"] = standIn.Url;
            start.Environment["SUPABASE_KEY"] = SupabaseStandIn.LegacyKey("service_role");
            start.Environment["SUPABASE_ANON_KEY"] = SupabaseStandIn.LegacyKey("anon");
            using var process = Process.Start(start)!;
            process.StandardInput.Close();
            var output = process.StandardOutput.ReadToEndAsync();
            var error = await process.StandardError.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.True(process.ExitCode == 0, error);
            return JsonElement.Parse(await output);
        }
        finally
        {
            File.Delete(script);
        }
    }
}
