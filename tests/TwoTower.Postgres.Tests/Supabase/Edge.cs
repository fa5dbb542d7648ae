using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using TwoTower.Core.Artifacts;
using TwoTower.Postgres.Releases;
using TwoTower.Postgres.Schema;
using TwoTower.Testing;

namespace TwoTower.Postgres.Tests.Supabase;

/// <summary>
/// The edge functions in a process of Deno's, with what they speak to: a project with the golden world and an active release.
/// </summary>
internal sealed class Edge : IAsyncDisposable
{
    /// <summary>SUPABASE_JWKS as Supabase sets it: the public key of <see cref="Signed"/>.</summary>
    public const string OwnKeys = "own";

    private const string LegacySecret = "a-legacy-secret-of-at-least-32-characters";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private EdgeProcess _process = null!;

    public required TestDatabase Database { get; init; }
    public required SupabaseStandIn StandIn { get; init; }
    public required string Version { get; init; }

    /// <summary>What the functions wrote to their log so far.</summary>
    public string Log => _process.Log;

    /// <summary>The process of the functions.</summary>
    public EdgeProcess Process => _process;

    /// <summary>The public keys, as <c>/auth/v1/.well-known/jwks.json</c> publishes them.</summary>
    public string PublicKeys
    {
        get
        {
            var point = _key.ExportParameters(false).Q;
            object key = new { kty = "EC", crv = "P-256", kid = "one", alg = "ES256", x = Encode(point.X!), y = Encode(point.Y!) };
            return JsonSerializer.Serialize(new { keys = new[] { key } });
        }
    }

    /// <summary>A release to serve by: golden, random, or histories.</summary>
    public static Checkpoint Checkpoint(string kind) => kind switch
    {
        "golden" => TestCheckpoints.Golden(),
        "random" => TestCheckpoints.Random(),
        "histories" => TestCheckpoints.Histories([.. Golden.Tables.Videos.Select(video => video.Id)]),
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>Starts it.</summary>
    /// <param name="foreign">A kind of <see cref="ForeignTowers"/> that the release's user tower is of; null: its own.</param>
    /// <param name="hasTagIds">Tags are a table of their own, and videos have their ids.</param>
    /// <param name="keys">SUPABASE_JWKS; null: not set, the functions ask the project's address.</param>
    /// <param name="secretKeys">SUPABASE_SECRET_KEYS; null: one that is the stand-in's.</param>
    public static async Task<Edge> StartAsync(
        SupabaseServer server, string kind = "random", bool hasTagIds = false, string? keys = OwnKeys, string? secretKeys = null,
        string? foreign = null)
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var tools = await ToolsAsync();
        var db = await server.CreateProjectAsync(new(false, true));
        if (hasTagIds) await db.ExecuteAsync(TestReleases.TagTables);
        await Migrator.MigrateAsync(db.DataSource, null, default);
        if (hasTagIds) await db.ExecuteAsync("grant select on tags, video_tags to service_role");
        await TestReleases.LoadGoldenAsync(db, hasTagIds);
        await db.ExecuteAsync("select two_tower.refresh_video_statistics()");
        var release = await TestReleases.ReadyAsync(db, Checkpoint(kind), foreign: foreign);
        if (kind == "histories")
        {
            await db.ExecuteAsync($"alter table {release.Table} add history extensions.vector(12)");
            await db.ExecuteAsync(
                $"update {release.Table} set history = (select array_agg(sin(i * (abs(hashtext(video_id::text)) % 97) + i))::real[]::extensions.vector from generate_series(1, 12) i)");
        }

        await new ReleaseStore(db.DataSource).ActivateAsync(release.ModelVersion, "test", null);
        var edge = new Edge { Database = db, StandIn = new(db), Version = release.ModelVersion };
        await edge.RunAsync(tools, keys, secretKeys ?? JsonSerializer.Serialize(new { @default = SupabaseStandIn.SecretKey }));
        return edge;
    }

    /// <summary>Deno and what the functions use; skips the test where they can't be had.</summary>
    public static async Task<NpmTools> ToolsAsync()
    {
        var (tools, reason) = await NpmTools.InstallAsync("supabase");
        Assert.SkipWhen(tools is null, reason);
        return tools!;
    }

    /// <summary>Waits for what the functions do after they have answered.</summary>
    public async Task UntilAsync(string condition)
    {
        using var patience = new CancellationTokenSource(Patience);
        while (!await Database.ScalarAsync<bool>($"select {condition}"))
        {
            Assert.False(patience.IsCancellationRequested, $"not in {Patience}: {condition}\n{Log}");
            await Task.Delay(50);
        }
    }

    public static string Legacy(Guid? user, string role = "authenticated", string secret = LegacySecret, TimeSpan? lifetime = null) =>
        Token("HS256", user, role, lifetime, text => HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), text));

    public static string Unsigned(Guid user) => Token("none", user, "authenticated", null, _ => []);

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
        return await _process.Http.SendAsync(request);
    }

    public async Task<JsonElement> AskAsync(string function, string? token, object body)
    {
        using var response = await SendAsync(HttpMethod.Post, function, token, JsonSerializer.Serialize(body));
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.StatusCode == HttpStatusCode.OK, text);
        return JsonElement.Parse(text);
    }

    public async Task<int> StatusAsync(string function, string? token, object body) => (await ProblemAsync(function, token, body)).Status;

    /// <summary>The status, and the type of the problem where there is one.</summary>
    public async Task<(int Status, string Type)> ProblemAsync(string function, string? token, object body)
    {
        using var response = await SendAsync(HttpMethod.Post, function, token, JsonSerializer.Serialize(body));
        var answer = JsonElement.Parse(await response.Content.ReadAsStringAsync());
        return ((int)response.StatusCode, answer.TryGetProperty("type", out var type) ? type.GetString()! : "");
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        await StandIn.DisposeAsync();
        await Database.DisposeAsync();
        _key.Dispose();
    }

    private async Task RunAsync(NpmTools tools, string? keys, string secretKeys) => _process = await EdgeProcess.StartAsync(
        tools, new Dictionary<string, string?>
        {
            ["SUPABASE_URL"] = StandIn.Url,
            ["SUPABASE_SECRET_KEYS"] = secretKeys,
            ["SUPABASE_JWKS"] = keys == OwnKeys ? PublicKeys : keys,
            ["JWT_SECRET"] = LegacySecret,
            ["IMPRESSION_SHARE"] = "1",
        });

    private static string Token(string algorithm, Guid? user, string role, TimeSpan? lifetime, Func<byte[], byte[]> sign)
    {
        var claims = new Dictionary<string, object> { ["role"] = role, ["exp"] = DateTimeOffset.UtcNow.Add(lifetime ?? TimeSpan.FromHours(1)).ToUnixTimeSeconds() };
        if (user is { } id) claims["sub"] = id;
        var header = new { alg = algorithm, typ = "JWT", kid = "one" };
        var text = $"{Encode(JsonSerializer.SerializeToUtf8Bytes(header))}.{Encode(JsonSerializer.SerializeToUtf8Bytes(claims))}";
        return $"{text}.{Encode(sign(Encoding.ASCII.GetBytes(text)))}";
    }

    private static string Encode(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=').Replace('+', '-').Replace('/', '_');
}
