using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Options;
using TwoTower.Core.Artifacts;
using TwoTower.Core.Features;
using TwoTower.Core.Inference;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Postgres.Serving;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>
/// The edge functions (supabase/functions) in Deno, over a stand-in of PostgREST and the real database: what they give is what C# gives.
/// </summary>
public sealed class EdgeTests(SupabaseServer server) : IClassFixture<SupabaseServer>
{
    private const string LegacySecret = "a-legacy-secret-of-at-least-32-characters";

    public static TheoryData<string> Recipes => ["golden", "random", "histories"];

    [Theory]
    [MemberData(nameof(Recipes))]
    public async Task Vectors_and_embeddings_are_those_of_the_process(string kind)
    {
        var tools = await ToolsAsync();
        var checkpoint = Checkpoint(kind);
        var files = ReleaseFiles.Build(checkpoint, Golden.AsOf);
        var payloads = Golden.UserPayloads.Concat(Enumerable.Range(0, 1_000).Select(MadeUp))
            .Select((payload, i) => kind == "histories" ? payload with { History = History(i) } : payload).ToList();
        var output = await RunAsync(tools, "embed.ts", JsonSerializer.Serialize(new
        {
            files = files.ToDictionary(file => file.Path, file => Convert.ToBase64String(file.Content)),
            as_of = "2026-01-20T12:34:56.123456Z",
            payloads = payloads.Select(payload => JsonElement.Parse(payload.ToJson())),
        }));

        var asOf = new DateTimeOffset(2026, 1, 20, 12, 34, 56, TimeSpan.Zero).AddMicroseconds(123_456);
        var encoder = CheckpointFeatures.Of(checkpoint).User;
        using var tower = UserTower.FromFiles(new ReleaseFileSet("test", files));
        for (var i = 0; i < payloads.Count; i++)
        {
            var vector = new float[encoder.Dim];
            encoder.Encode(payloads[i], asOf, vector);
            Close(vector, output.GetProperty("vectors")[i], 1e-6);
            Close(tower.Encode(payloads[i], asOf), output.GetProperty("embeddings")[i], 1e-5);
        }
    }

    [Theory]
    [InlineData("random")]
    [InlineData("histories")]
    public async Task Lists_are_those_of_the_api(string kind)
    {
        await using var edge = await EdgeAsync(kind);
        using var service = Service(edge.Database);
        foreach (
            var user in Golden.UserPayloads.Where(user => user.DecisionStats.LikeCount > 0).Take(20).Select(user => user.UserId).Append(
                Guid.NewGuid()))
        {
            var answer = await edge.AskAsync(
                "recommend", SupabaseStandIn.SecretKey,
                new { user_id = user, limit = 10, maxSafetyLevel = 1, bannedTags = new[] { "drama" } });
            var expected = await service.RecommendAsync(
                new(user, 10, false, new() { BannedTags = ["drama"] }), answer.GetProperty("asOf").GetDateTimeOffset());
            Assert.Equal(expected.ModelVersion, answer.GetProperty("modelVersion").GetString());
            Assert.Equal(
                expected.Videos.Select(video => video.Video.Id),
                answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid()));
            foreach (var (video, given) in expected.Videos.Zip(answer.GetProperty("videos").EnumerateArray()))
            {
                Assert.InRange(Math.Abs(video.RankScore - given.GetProperty("rankScore").GetDouble()), 0, 1e-5);
            }
        }

        // One context, one search; the files once.
        Assert.Equal(21, edge.StandIn.Calls["two_tower_request_context"]);
        Assert.Equal((20, 1), (edge.StandIn.Calls["two_tower_search"], edge.StandIn.Calls["two_tower_popular_videos"]));
        Assert.Equal(1, edge.StandIn.Calls["two_tower_release_files"]);
        while (await edge.Database.ScalarAsync<long>("select count(*) from two_tower.impressions where rank = 1") < 21) await Task.Delay(50);
        Assert.Equal(20m, await edge.Database.ScalarAsync<decimal>("select sum(answers) from two_tower.serving_counts"));
    }

    [Fact]
    public async Task A_release_that_is_activated_meanwhile_is_never_mixed_with_the_one_before()
    {
        await using var edge = await EdgeAsync("random");
        var second = await TestReleases.ReadyAsync(edge.Database, TestCheckpoints.Random(seed: 7), Golden.AsOf.AddDays(1));
        var store = new ReleaseStore(edge.Database.DataSource);
        var user = Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId;
        using var service = Service(edge.Database);
        var expected = new Dictionary<string, List<Guid>>();
        string[] versions = [edge.Version, second.ModelVersion];
        foreach (var version in versions)
        {
            await store.ActivateAsync(version, "test", null);
            expected[version] = [.. (await service.RecommendAsync(new(user, 5, false, new()))).Videos.Select(video => video.Video.Id)];
        }

        Assert.NotEqual(expected[versions[0]], expected[versions[1]]);
        var seen = new HashSet<string>();
        using var stop = new CancellationTokenSource();
        var switching = Task.Run(async () =>
        {
            for (var i = 0; i < 20 || seen.Count < 2; i++) await store.ActivateAsync(versions[i % 2], "test", null);
            await stop.CancelAsync();
        });
        await Parallel.ForEachAsync(Enumerable.Range(0, 4), async (_, _) =>
        {
            while (!stop.IsCancellationRequested)
            {
                var answer = await edge.AskAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = user, limit = 5 });
                var version = answer.GetProperty("modelVersion").GetString()!;
                lock (seen) seen.Add(version);
                Assert.Equal(
                    expected[version],
                    answer.GetProperty("videos").EnumerateArray().Select(video => video.GetProperty("videoId").GetGuid()));
            }
        });
        await switching;
    }

    [Fact]
    public async Task The_user_is_the_tokens()
    {
        await using var edge = await EdgeAsync("random");
        var (user, other) = (
            Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId, Golden.UserPayloads[0].UserId);
        foreach (var token in new[] { Legacy(user), edge.Signed(user) })
        {
            var answer = await edge.AskAsync("embed-user", token, new { });
            Assert.Equal(
                (edge.Version, 16), (answer.GetProperty("modelVersion").GetString(), answer.GetProperty("embedding").GetArrayLength()));
            Assert.Equal(403, await edge.StatusAsync("embed-user", token, new { user_id = other }));
            Assert.Equal(200, await edge.StatusAsync("recommend", token, new { user_id = user }));
        }

        // A key of the project's may ask for anybody, and says for whom.
        Assert.Equal(200, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = other }));
        Assert.Equal(400, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { }));
        Assert.Equal(200, await edge.StatusAsync("recommend", Legacy(null, role: "service_role"), new { user_id = other }));

        foreach (var wrong in new[]
        {
            null, "x", "sb_publishable_abc", Legacy(user, secret: "another-secret-of-at-least-32-characters"), Legacy(
                user, lifetime: TimeSpan.FromMinutes(-1)),
            Legacy(null, role: "anon"), Legacy(null), Legacy(user, role: "admin"), Unsigned(user), edge.Signed(user)[..^6] + "AAAAAA", edge.ForgedByPublicKey(user),
        })
        {
            Assert.Equal(401, await edge.StatusAsync("recommend", wrong, new { user_id = user }));
        }
    }

    [Fact]
    public async Task A_request_that_makes_no_sense_is_a_problem_that_names_it()
    {
        await using var edge = await EdgeAsync("random");
        var token = Legacy(Golden.UserPayloads[0].UserId);
        foreach (var (body, named) in new[]
        {
            ("""{"limit": 0}""", "limit is 0"), ("""{"limit": "many"}""", "limit is \"many\""), ("""{"limit": 101}""", "limit is 101"), ("""{"limit": 1.5}""", "limit is 1.5"),
            ("""{"maxSafetyLevel": -1}""", "maxSafetyLevel is -1"), ("""{"excludeVideoIds": ["x"]}""", "excludeVideoIds is"), (
                """{"bannedTagIds": "x"}""", "bannedTagIds is"),
            ("""{"allowedRegions": [1]}""", "allowedRegions is"), ("""{"includeSeen": 1}""", "includeSeen is 1"), ("""{"frob": 1}""", "frob isn't known"),
            ("""{"user_id": "me"}""", "user_id is \"me\""), ("[]", "isn't an object"), ("{", "isn't JSON"), ("null", "isn't an object"),
            ("""{"bannedTagIds": ["00000000-0000-4000-8000-000000000001"]}""", "p_banned_tag_ids cannot be used"),
        })
        {
            using var response = await edge.SendAsync(HttpMethod.Post, "recommend", token, body);
            var problem = await response.Content.ReadFromJsonAsync<JsonElement>();
            Assert.Equal((400, "application/problem+json"), ((int)response.StatusCode, response.Content.Headers.ContentType!.MediaType));
            Assert.Contains(named, problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
            Assert.Equal("*", Assert.Single(response.Headers.GetValues("access-control-allow-origin")));
        }

        using var options = await edge.SendAsync(HttpMethod.Options, "recommend", null, null);
        Assert.Equal(HttpStatusCode.NoContent, options.StatusCode);
        Assert.Contains(
            "authorization", Assert.Single(options.Headers.GetValues("access-control-allow-headers")), StringComparison.Ordinal);
        using var get = await edge.SendAsync(HttpMethod.Get, "recommend", token, null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, get.StatusCode);
        using var large = await edge.SendAsync(
            HttpMethod.Post, "recommend", token, $$"""{"bannedTags": ["{{new string('x', 300_000)}}"]}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, large.StatusCode);
    }

    [Fact]
    public async Task Without_a_usable_release_it_says_so_and_a_user_without_likes_has_no_embedding()
    {
        await using var edge = await EdgeAsync("random");
        var user = Golden.UserPayloads.First(payload => payload.DecisionStats.LikeCount > 3).UserId;
        Assert.Equal(404, await edge.StatusAsync("embed-user", SupabaseStandIn.SecretKey, new { user_id = Guid.NewGuid() }));
        // As if the files were another model's: the hash tells.
        await edge.Database.ExecuteAsync("""
            alter table two_tower.release_files disable trigger user;
            update two_tower.release_files set content = decode('00', 'hex'), size = 1, sha256 = encode(sha256(decode('00', 'hex')), 'hex') where path = 'user_tower.onnx';
            """);
        Assert.Equal(503, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = user }));
        while (await edge.Database.ScalarAsync<long>(
                "select count(*) from two_tower.serving_faults where kind = 'failed'") < 1) await Task.Delay(50);
        Assert.Equal(200, await edge.StatusAsync("recommend", SupabaseStandIn.SecretKey, new { user_id = Guid.NewGuid() }));
    }

    private static Checkpoint Checkpoint(string kind) => kind switch
    {
        "golden" => TestCheckpoints.Golden(),
        "random" => TestCheckpoints.Random(),
        _ => TestCheckpoints.Histories([.. Golden.Tables.Videos.Select(video => video.Id)]),
    };

    private static UserPayload MadeUp(int seed)
    {
        var random = new Random(seed);
        var (likes, nopes) = (random.Next(0, 40), random.Next(0, 40));
        string[] tags = ["drama", "コメディ", "space opera", "ホラー", "tag-00", "tag-01", "unknown", "𝒳"], performers = ["佐藤 花子", "Ana Pérez", "performer 01", "nobody"];
        var created = new DateTimeOffset(2020, 1, 1, 0, 0, 0, TimeSpan.Zero).AddSeconds(random.NextDouble() * 2e8);
        return new(
            Guid.NewGuid(), new(random.Next(10) == 0 ? null : created),
            new(
                likes, nopes, likes + nopes, likes == 0 ? null : created.AddDays(random.NextDouble() * 400),
                likes == 0 ? 12 : random.NextDouble() * 23),
            new(random.NextDouble() * 5_000, random.NextDouble() * 5_000),
            [.. Enumerable.Range(0, likes).Select(_ => tags[random.Next(tags.Length)])], [.. Enumerable.Range(0, likes).Select(
                _ => performers[random.Next(performers.Length)])]);
    }

    private static PooledHistory History(int seed)
    {
        var random = new Random(seed);
        float[] Sum() => random.Next(5) == 0 ? [] : [.. Enumerable.Range(0, 6).Select(_ => (float)(random.NextDouble() * 20 - 10))];
        return new(random.Next(30), random.Next(30), Sum(), Sum());
    }

    private static void Close(float[] expected, JsonElement actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.GetArrayLength());
        for (var i = 0; i < expected.Length; i++) Assert.InRange(
            Math.Abs(expected[i] - actual[i].GetDouble()), 0, tolerance * Math.Max(1, Math.Abs(expected[i])));
    }

    private static RecommendationService Service(TestDatabase db)
    {
        var options = Options.Create(new RecommendationOptions());
        return new(db.DataSource, new TowerCache(new ReleaseStore(db.DataSource), capacity: 4), options);
    }

    private static async Task<NpmTools> ToolsAsync()
    {
        var (tools, reason) = await NpmTools.InstallAsync("supabase");
        Assert.SkipWhen(tools is null, reason);
        return tools!;
    }

    private async Task<Edge> EdgeAsync(string kind)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var tools = await ToolsAsync();
        var db = await server.CreateProjectAsync(new(false, true));
        await Migrator.MigrateAsync(db.DataSource, null, default);
        await TestReleases.LoadGoldenAsync(db);
        await db.ExecuteAsync("select two_tower.refresh_video_statistics()");
        var release = await TestReleases.ReadyAsync(db, Checkpoint(kind));
        if (kind == "histories")
        {
            await db.ExecuteAsync($"alter table {release.Table} add history extensions.vector(12)");
            await db.ExecuteAsync(
                $"update {release.Table} set history = (select array_agg(sin(i * (abs(hashtext(video_id::text)) % 97) + i))::real[]::extensions.vector from generate_series(1, 12) i)");
        }

        await new ReleaseStore(db.DataSource).ActivateAsync(release.ModelVersion, "test", null);
        return await Edge.StartAsync(tools, db, release.ModelVersion);
    }

    private static async Task<JsonElement> RunAsync(NpmTools tools, string script, string input)
    {
        using var folder = new TemporaryFolder();
        using var process = Process.Start(Deno(tools, folder, script))!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        await process.StandardInput.WriteAsync(input);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        Assert.True(process.ExitCode == 0, await error);
        return JsonElement.Parse(await output);
    }

    // jose comes from the folder of the tools, not from npm's registry: a test needs nothing of a network.
    private static ProcessStartInfo Deno(NpmTools tools, TemporaryFolder folder, string script)
    {
        var map = Path.Combine(folder.Path, "import_map.json");
        File.WriteAllText(
            map,
            JsonSerializer.Serialize(
                new { imports = new { jose = new Uri(tools.PathOf("jose", "dist", "webapi", "index.js")).AbsoluteUri } }));
        return tools.Start(
            "deno", "run", "--quiet", "--no-config", "--no-remote", "--no-npm", "--import-map", map, "--allow-env", "--allow-net=127.0.0.1",
            Path.Combine(PostgresFixture.RepositoryRoot(), "tests", "supabase", script));
    }

    private static string Legacy(Guid? user, string role = "authenticated", string secret = LegacySecret, TimeSpan? lifetime = null) =>
        Token("HS256", user, role, lifetime, text => HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), text));

    private static string Unsigned(Guid user) => Token("none", user, "authenticated", null, _ => []);

    private static string Token(string algorithm, Guid? user, string role, TimeSpan? lifetime, Func<byte[], byte[]> sign)
    {
        var claims = new Dictionary<string, object> { ["role"] = role, ["exp"] = DateTimeOffset.UtcNow.Add(lifetime ?? TimeSpan.FromHours(1)).ToUnixTimeSeconds() };
        if (user is { } id) claims["sub"] = id;
        var text = $"{Encode(JsonSerializer.SerializeToUtf8Bytes(new { alg = algorithm, typ = "JWT", kid = "one" }))}.{Encode(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        return $"{text}.{Encode(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');

    // The functions in a process of Deno's, with what they speak to.
    private sealed class Edge : IAsyncDisposable
    {
        private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        private readonly TemporaryFolder _folder = new();
        private readonly HttpClient _http = new();
        private Process _process = null!;

        public required TestDatabase Database { get; init; }
        public required SupabaseStandIn StandIn { get; init; }
        public required string Version { get; init; }

        public static async Task<Edge> StartAsync(NpmTools tools, TestDatabase db, string version)
        {
            var edge = new Edge { Database = db, StandIn = new(db), Version = version };
            var start = Deno(tools, edge._folder, "serve.ts");
            start.Environment["SUPABASE_URL"] = edge.StandIn.Url;
            start.Environment["SUPABASE_SECRET_KEYS"] = JsonSerializer.Serialize(new { @default = SupabaseStandIn.SecretKey });
            start.Environment["SUPABASE_JWKS"] = JsonSerializer.Serialize(new { keys = new[] { edge.PublicKey } });
            start.Environment["JWT_SECRET"] = LegacySecret;
            start.Environment["IMPRESSION_SHARE"] = "1";
            edge._process = Process.Start(start)!;
            _ = edge._process.StandardError.ReadToEndAsync();
            var line = await edge._process.StandardOutput.ReadLineAsync();
            Assert.StartsWith("port ", line, StringComparison.Ordinal);
            edge._http.BaseAddress = new($"http://127.0.0.1:{line![5..]}/functions/v1/");
            return edge;
        }

        public string Signed(Guid user) => Token(
            "ES256", user, "authenticated", null, text => _key.SignData(text, HashAlgorithmName.SHA256));

        // The known attack: the public key taken for a secret.
        public string ForgedByPublicKey(Guid user) => Token(
            "HS256", user, "authenticated", null, text => HMACSHA256.HashData(_key.ExportSubjectPublicKeyInfo(), text));

        public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string function, string? token, string? body)
        {
            using var request = new HttpRequestMessage(method, function);
            if (token == SupabaseStandIn.SecretKey) request.Headers.Add("apikey", token);
            else if (token is not null) request.Headers.TryAddWithoutValidation("authorization", $"Bearer {token}");
            if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            return await _http.SendAsync(request);
        }

        public async Task<JsonElement> AskAsync(string function, string? token, object body)
        {
            using var response = await SendAsync(HttpMethod.Post, function, token, JsonSerializer.Serialize(body));
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.StatusCode == HttpStatusCode.OK, text);
            return JsonElement.Parse(text);
        }

        public async Task<int> StatusAsync(string function, string? token, object body)
        {
            using var response = await SendAsync(HttpMethod.Post, function, token, JsonSerializer.Serialize(body));
            return (int)response.StatusCode;
        }

        public async ValueTask DisposeAsync()
        {
            _process.StandardInput.Close();
            await _process.WaitForExitAsync();
            _process.Dispose();
            _http.Dispose();
            await StandIn.DisposeAsync();
            await Database.DisposeAsync();
            _folder.Dispose();
            _key.Dispose();
        }

        private object PublicKey
        {
            get
            {
                var point = _key.ExportParameters(false).Q;
                return new { kty = "EC", crv = "P-256", kid = "one", alg = "ES256", x = Encode(point.X!), y = Encode(point.Y!) };
            }
        }
    }
}
