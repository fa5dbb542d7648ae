using TwoTower.Core;
using TwoTower.Supabase.Http;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Http;

public class SupabaseKeyTests
{
    [Fact]
    public void A_new_key_goes_into_apikey_alone_and_a_legacy_one_into_both_headers()
    {
        using var request = new HttpRequestMessage();
        SupabaseKey.Parse($" {SupabaseStandIn.SecretKey}\n", "the test").AddTo(request);
        Assert.Equal(SupabaseStandIn.SecretKey, Assert.Single(request.Headers.GetValues("apikey")));
        Assert.False(request.Headers.Contains("Authorization"));

        using var legacy = new HttpRequestMessage();
        var token = SupabaseStandIn.LegacyKey("service_role");
        SupabaseKey.Parse(token, "the test").AddTo(legacy);
        Assert.Equal((token, $"Bearer {token}"), (Assert.Single(legacy.Headers.GetValues("apikey")), Assert.Single(legacy.Headers.GetValues("Authorization"))));
    }

    public static TheoryData<string, string> Unusable => new()
    {
        { "", "is empty" },
        { "  \n", "is empty" },
        { SupabaseStandIn.PublishableKey, "publishable" },
        { SupabaseStandIn.LegacyKey("anon"), "role anon" },
        { SupabaseStandIn.LegacyKey("authenticated"), "role authenticated" },
        { "hunter2", "no key of Supabase" },
        { "a.b.c", "no key of Supabase" },
        { "a.bnVsbA.c", "no key of Supabase" },
        { "sb_secret_a sb_secret_b", "more than a key" },
        { "sb_secret_ä", "more than a key" },
    };

    [Theory]
    [MemberData(nameof(Unusable))]
    public void What_is_no_key_for_a_server_is_refused_by_its_source_and_never_shown(string text, string why)
    {
        var error = Assert.Throws<InputException>(() => SupabaseKey.Parse(text, "SUPABASE_SECRET_KEY"));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("SUPABASE_SECRET_KEY ", error.Message, StringComparison.Ordinal);
        if (text.Trim().Length > 8) Assert.DoesNotContain(text.Trim(), error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("https://abc.supabase.co", "abc.supabase.co")]
    [InlineData("https://abc.supabase.co/", "abc.supabase.co")]
    [InlineData("https://abc.supabase.co/rest/v1/", "abc.supabase.co")]
    [InlineData("http://127.0.0.1:54321", "127.0.0.1:54321")]
    [InlineData("https://example.org/supabase/storage/v1", "example.org/supabase")]
    public void A_project_is_where_its_address_says(string url, string name) =>
        Assert.Equal(name, ProjectAccess.Read(url, null, Variable(("SUPABASE_SECRET_KEY", SupabaseStandIn.SecretKey))).Name);

    [Theory]
    [InlineData(null, "SUPABASE_URL isn't set")]
    [InlineData("abc.supabase.co", "abc.supabase.co")]
    [InlineData("postgresql://postgres:hunter2@db.supabase.co/postgres", "no address")]
    [InlineData("https://user:hunter2@abc.supabase.co", "leave out user")]
    [InlineData("https://abc.supabase.co?apikey=hunter2", "leave out user")]
    [InlineData("hunter2", "isn't shown")]
    [InlineData("Server=tcp://db.supabase.co;Password=hunter2", "isn't shown")]
    [InlineData("jdbc:postgresql://db.supabase.co/postgres?password=hunter2", "isn't shown")]
    [InlineData("sb_secret_hunter2", "has a key in it")]
    [InlineData("sb_publishable_hunter2", "has a key in it")]
    [InlineData("eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoic2VydmljZV9yb2xlIn0.hunter2", "has a key in it")]
    [InlineData("https://sb_secret_hunter2", "has a key in it")]
    [InlineData("https://abc.supabase.co/sb_secret_hunter2", "has a key in it")]
    [InlineData("https://abc.supabase.co#eyJhbGciOiJIUzI1NiJ9.e30.hunter2", "has a key in it")]
    [InlineData("ftp://abc.supabase.co", "is 'ftp://abc.supabase.co'")]
    public void An_address_that_is_none_is_refused_and_no_password_shown(string? url, string why)
    {
        var error = Assert.Throws<InputException>(
            () => ProjectAccess.Read(null, null, Variable(("SUPABASE_URL", url), ("SUPABASE_SECRET_KEY", SupabaseStandIn.SecretKey))));
        Assert.Contains(why, error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hunter2", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_comes_from_the_file_that_is_named_or_else_from_a_variable()
    {
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "key");
        File.WriteAllText(file, SupabaseStandIn.LegacyKey("service_role") + "\n");
        const string Url = "https://abc.supabase.co";
        Assert.True(ProjectAccess.Read(Url, file, Variable(("SUPABASE_SECRET_KEY", SupabaseStandIn.SecretKey))).Key.IsToken);
        Assert.False(ProjectAccess.Read(
            Url, null, Variable(("SUPABASE_SERVICE_ROLE_KEY", SupabaseStandIn.LegacyKey("service_role")), ("SUPABASE_SECRET_KEY", SupabaseStandIn.SecretKey))).Key.IsToken);
        Assert.Contains("--key-file", Assert.Throws<InputException>(() => ProjectAccess.Read(Url, null, Variable())).Message, StringComparison.Ordinal);
        Assert.Contains("nowhere", Assert.Throws<InputException>(() => ProjectAccess.Read(Url, file + "-nowhere", Variable())).Message, StringComparison.Ordinal);
    }

    private static Func<string, string?> Variable(params (string Name, string? Value)[] set) => name =>
        set.FirstOrDefault(pair => pair.Name == name).Value;
}
