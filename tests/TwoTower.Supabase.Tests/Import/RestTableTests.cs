using TwoTower.Core;
using TwoTower.Supabase.Http;
using TwoTower.Supabase.Import;
using TwoTower.Testing;

namespace TwoTower.Supabase.Tests.Import;

/// <summary>Every row comes once, whatever its key is and however few rows a page has.</summary>
public sealed class RestTableTests(SupabaseServer server) : IAsyncLifetime
{
    private TestProject _project = null!;

    private SupabaseStandIn StandIn => _project.StandIn;

    public async ValueTask InitializeAsync() => _project = await TestProject.OpenAsync(server, """
        create table rows (a text, b timestamptz, c int, primary key (a, b, c));
        insert into rows select t, timestamptz '2026-01-01T00:00:00.123456+09' + s * interval '1 microsecond', c
          from unnest(array['x', 'x,y', 'a"b', 'a\b', '(a.eq.1)', '☃ +&=%', '', 'and(x']) t, generate_series(1, 5) s, generate_series(-2, 4) c;
        grant all on rows to service_role;
        """);

    public async ValueTask DisposeAsync()
    {
        if (_project is not null) await _project.DisposeAsync();
    }

    [Theory]
    [InlineData(1000, 1000)]
    [InlineData(1000, 9)]
    [InlineData(13, 1000)]
    public async Task Rows_come_in_pages_behind_each_other(int ask, int most)
    {
        StandIn.MaxRows = most;
        var (rows, total) = await ReadAsync(["a", "b", "c"], ask, null);
        Assert.Equal((280, 280L), (rows.Count, total));
        Assert.Equal(280, rows.Distinct().Count());
        Assert.Equal(280 / Math.Min(ask, most) + 1 + (280 % Math.Min(ask, most) > 0 ? 1 : 0), StandIn.Requests.Count);
    }

    [Fact]
    public async Task A_filter_holds_for_every_page() =>
        Assert.Equal(40, (await ReadAsync(["b", "a", "c"], 7, "c=gte.4")).Rows.Count);

    [Fact]
    public async Task Where_a_page_takes_too_long_fewer_rows_are_asked_for()
    {
        StandIn.Intercept = request => Task.FromResult(
            request.Headers["range"] is var range && int.Parse(range.Split('-')[1], System.Globalization.CultureInfo.InvariantCulture) >= 100
                ? StandInFault.Rest(500, "57014", "canceling statement due to statement timeout") : null);
        Assert.Equal(280, (await ReadAsync(["a", "b", "c"], 1000, null)).Rows.Count);
        Assert.InRange(StandIn.Requests.Count, 5, 10);
        StandIn.Intercept = _ => Task.FromResult<StandInFault?>(StandInFault.Rest(500, "57014", "canceling statement due to statement timeout"));
        var error = await Assert.ThrowsAsync<RemoteException>(() => ReadAsync(["a", "b", "c"], 1000, null));
        Assert.Contains("create index on rows (a, b, c)", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_counting_takes_too_long_the_rows_come_without_a_count_and_as_many_at_once()
    {
        StandIn.Intercept = request => Task.FromResult(
            request.Headers.TryGetValue("prefer", out var prefer) && prefer.Contains("count=", StringComparison.Ordinal)
                ? StandInFault.Rest(500, "57014", "canceling statement due to statement timeout") : null);
        var (rows, total) = await ReadAsync(["a", "b", "c"], 100, null);
        Assert.Equal((280, null), (rows.Distinct().Count(), total));
        Assert.Equal(1 + 3 + 1, StandIn.Requests.Count);
    }

    [Fact]
    public async Task A_key_of_one_column_is_compared_once()
    {
        await _project.Db.ExecuteAsync("create table singles (a text primary key); insert into singles select distinct a from rows; grant all on singles to service_role");
        var (rows, _) = await ReadAsync(["a"], 3, null, "singles", "a");
        Assert.Equal(8, rows.Distinct().Count());
        Assert.All(StandIn.Requests.Skip(1), request => Assert.Equal(1, request.Path.Split("&a=").Length - 1));
    }

    [Fact]
    public async Task A_row_without_a_key_is_refused()
    {
        await _project.Db.ExecuteAsync("alter table rows drop constraint rows_pkey; alter table rows alter a drop not null; insert into rows values (null, now(), 1)");
        var error = await Assert.ThrowsAsync<InputException>(() => ReadAsync(["a", "b", "c"], 1000, null));
        Assert.Contains("has no a", error.Message, StringComparison.Ordinal);
    }

    private async Task<(List<string> Rows, long? Total)> ReadAsync(
        string[] key, int ask, string? filter, string name = "rows", string select = "a,b,c")
    {
        var table = new RestTable(_project.Client, name, select, key, filter);
        var (rows, after, total) = (new List<string>(), (IReadOnlyList<string>?)null, (long?)null);
        while (true)
        {
            var page = await table.PageAsync(after, ask, counts: after is null, default);
            (total, ask) = (total ?? page.Total, page.Ask);
            if (page.Rows.Count == 0) return (rows, total);
            rows.AddRange(page.Rows.Select(row => row.GetRawText()));
            after = table.KeyOf(page.Rows[^1]);
        }
    }
}
