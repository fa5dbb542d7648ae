using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.StandIn;

/// <summary>The stand-in gives the answer of every exchange that was recorded with the real PostgREST and the real Storage.</summary>
public sealed partial class ExchangeTests(SupabaseServer server)
{
    private const string Video = "0004ec79-03af-5568-9530-4f42d38ded37";
    private static readonly string Numbers = string.Join(',', Enumerable.Repeat("0.0625", 256));

    [Fact]
    public async Task PostgREST_is_answered_for_as_it_was_recorded()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        var exchanges = Read("postgrest-exchanges.json");
        await using var db = await RecordedWorld.CreateAsync(server, exchanges);
        await using var standIn = new SupabaseStandIn(db);
        Assert.Equal(60, exchanges.GetArrayLength());
        foreach (var exchange in exchanges.EnumerateArray()) await ReplayAsync(standIn, "/rest/v1", exchange);
    }

    [Fact]
    public async Task Storage_is_answered_for_as_it_was_recorded()
    {
        Assert.SkipWhen(server.Reason is not null, server.Reason ?? "");
        await using var db = await server.CreateProjectAsync(new(Exposes: false, SecuresTables: false));
        await using var standIn = new SupabaseStandIn(db);
        var exchanges = Read("storage-exchanges.json");
        Assert.Equal(30, exchanges.GetArrayLength());
        foreach (var exchange in exchanges.EnumerateArray()) await ReplayAsync(standIn, "", exchange);
    }

    private static JsonElement Read(string file) =>
        JsonElement.Parse(File.ReadAllText(Path.Combine(PostgresFixture.RepositoryRoot(), "tests", "supabase", file)));

    private static async Task ReplayAsync(SupabaseStandIn standIn, string prefix, JsonElement exchange)
    {
        var (what, recorded, expected) = (exchange.GetProperty("what").GetString()!, exchange.GetProperty("request"), exchange.GetProperty("response"));
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(new(recorded.GetProperty("method").GetString()!), standIn.Url + prefix + recorded.GetProperty("path").GetString());
        Authorize(request, what, recorded.GetProperty("as").GetString()!);
        if (Body(what, recorded) is { } body)
        {
            request.Content = new ByteArrayContent(body);
            request.Content.Headers.ContentType = null;
        }

        foreach (var header in recorded.GetProperty("headers").EnumerateObject())
        {
            if (header.Name == "Content-Type") request.Content!.Headers.ContentType = MediaTypeHeaderValue.Parse(header.Value.GetString()!);
            else request.Headers.TryAddWithoutValidation(header.Name, header.Value.GetString());
        }

        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(expected.GetProperty("status").GetInt32() == (int)response.StatusCode, $"{what}: {(int)response.StatusCode} {text}");
        var headers = response.Headers.Concat(response.Content.Headers).ToDictionary(header => header.Key.ToLowerInvariant(), header => string.Join(", ", header.Value));
        foreach (var header in expected.GetProperty("headers").EnumerateObject().Where(header => header.Name != "last-modified" && !IsOfOther(what, header.Name)))
        {
            Assert.Equal($"{what}: {header.Name}: {header.Value}", $"{what}: {header.Name}: {headers.GetValueOrDefault(header.Name)}");
        }

        Compare(what, expected.GetProperty("body").GetString()!, text);
    }

    // What was recorded is cut at some length, and ids and times are made anew.
    private static void Compare(string what, string recorded, string actual)
    {
        if (what.StartsWith("rpc ", StringComparison.Ordinal) && recorded.StartsWith("{\"tags\"", StringComparison.Ordinal)
            || what is "rpc batch" or "the context as one rpc" || what.StartsWith("search, vector", StringComparison.Ordinal))
        {
            // Another world's values under the same keys.
            var keys = Key().Matches(recorded).Select(match => match.Groups["key"].Value).Distinct();
            Assert.All(keys.Where(key => what != "the context as one rpc" || key is "as_of" or "payload"), key => Assert.Contains($"\"{key}\":", actual, StringComparison.Ordinal));
            Assert.Equal((what, recorded[0]), (what, actual[0]));
            return;
        }

        var (expected, given) = (Settled(recorded), Settled(actual));
        if (recorded.Length >= 400) Assert.StartsWith($"{what}: {expected[..(expected.LastIndexOf(',') + 1)]}", $"{what}: {given}", StringComparison.Ordinal);
        else Assert.Equal($"{what}: {expected}", $"{what}: {given}");
    }

    private static string Settled(string text) => Time().Replace(Made().Replace(text, "${key}\"\""), "(now)");

    // Their bodies name ids and times that are made anew: of other lengths.
    private static bool IsOfOther(string what, string header) =>
        header == "content-length" && what is "list" or "copy" or "copy over it with upsert" or "delete";

    private static void Authorize(HttpRequestMessage request, string what, string role)
    {
        var token = (what, role) switch
        {
            (_, "none") => null,
            ("not a token" or "a bad token", _) => "x",
            ("a token of another secret", _) => SupabaseTokens.Make("service_role", secret: new string('y', 40)),
            ("an expired token", _) => SupabaseTokens.Make("service_role", lifetime: TimeSpan.FromMinutes(-1)),
            ("a role that isn't", _) => SupabaseTokens.Make("nobody"),
            ("a role that authenticator may not become", _) => SupabaseTokens.Make("postgres"),
            (_, "authenticated") => SupabaseTokens.Make("authenticated", RecordedWorld.User),
            _ => SupabaseTokens.Make(role),
        };
        if (token is null) return;
        request.Headers.TryAddWithoutValidation("apikey", token);
        request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token}");
    }

    // Bodies were recorded as far as some length: these are whole again.
    private static byte[]? Body(string what, JsonElement request)
    {
        if (!request.TryGetProperty("body", out var recorded)) return null;
        var text = recorded.GetString()!;
        if (what == "too large") return new byte[53_477_376];
        var whole = what switch
        {
            "upsert, vector as string" => $$"""[{"video_id":"{{Video}}","embedding":"[{{Numbers}}]"}]""",
            "upsert, return=representation" => $"[{Row(Video)},{Row("000df8d7-b40a-5fed-8bf6-98f6681f9d7e")},{Row("004c544a-15e5-5bac-b44e-96e08d641f03")}]",
            "wrong length" => $$"""[{"video_id":"{{Video}}","embedding":[{{Numbers}},{{Numbers}}]}]""",
            "NaN" => $$"""[{"video_id":"{{Video}}","embedding":"[NaN,{{Numbers[7..]}}]"}]""",
            "the same row twice in a batch" => $"[{Row(Video)},{Row(Video)}]",
            "a column too many" or "a column too many, columns named" => $$"""[{"video_id":"{{Video}}","embedding":[{{Numbers}}],"model_version":"x","updated_at":"2026-11-30T00:00:00Z"}]""",
            "rows of different keys" => $$"""[{{Row(Video)}},{"video_id":"{{Video}}"}]""",
            "a uuid that isn't" => $"[{Row("x")}]",
            "search, vector as array" => $$"""{"p_embedding":[{{Numbers}}],"p_limit":2}""",
            "search, vector as string" => $$"""{"p_embedding":"[{{Numbers}}]","p_limit":2}""",
            "search, a release that isn't" => $$"""{"p_embedding":[{{Numbers}}],"p_model_version":"none"}""",
            "move" => text + "n\"}",
            _ when text.Length >= 300 => $"[{Row(Video)}]",
            _ => text,
        };
        Assert.StartsWith(text, whole, StringComparison.Ordinal);
        return Encoding.UTF8.GetBytes(whole);
    }

    private static string Row(string id) => $$"""{"video_id":"{{id}}","embedding":[{{Numbers}}]}""";

    [GeneratedRegex("""(?<key>"(Id|id|version|created_at|updated_at|last_accessed_at|lastModified)":)"[0-9a-fTZ:.-]+"(?=[,}])""")]
    private static partial Regex Made();

    [GeneratedRegex("""20\d\d-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?\+00""")]
    private static partial Regex Time();

    [GeneratedRegex("\"(?<key>[a-z_]+)\": ?[\\[\\{\"0-9]")]
    private static partial Regex Key();
}
