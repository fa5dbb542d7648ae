using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Npgsql;
using TwoTower.Web;

namespace TwoTower.Benchmarks.Serving;

/// <summary>One client's requests over HTTP with banned tags, the most frequent ones and some at random, beside requests without.</summary>
internal sealed class FiltersBenchmark(NpgsqlDataSource db, string connectionString, ServingWorld world, int requests)
{
    private static readonly int[] Numbers = [10, 30, 60, 100];

    public async Task RunAsync(CancellationToken ct)
    {
        await using var api = ApiApplication.Create(["--urls", "http://127.0.0.1:0"], builder => builder.Configuration.AddInMemoryCollection(
            new Dictionary<string, string?>
            {
                ["ConnectionStrings:twotower"] = connectionString,
                ["Logging:LogLevel:Default"] = "Warning",
                ["TwoTower:Api:StatisticsRefreshSeconds"] = "0",
                ["TwoTower:Limits:Deadline"] = "00:01:00",
            }));
        await api.StartAsync(ct);
        using var http = new HttpClient { BaseAddress = new Uri(api.Urls.Single()) };
        var frequent = await TagsAsync("count(*) desc, tag_name", ct);
        var random = await TagsAsync("md5(tag_name)", ct);

        (string Label, string[] Tags)[] cases =
        [
            ("none", []), .. Numbers.Select(n => ($"the {n} most frequent", frequent[..Math.Min(n, frequent.Length)])),
            .. Numbers.Select(n => ($"{n} at random", random[..Math.Min(n, random.Length)])),
        ];
        var queries = cases.Select(c => string.Concat(c.Tags.Select(tag => $"&bannedTags={Uri.EscapeDataString(tag)}"))).ToList();
        foreach (var query in queries)
        {
            for (var i = 0; i < 10; i++) await RequestAsync(http, i, query, ct);
        }

        // In turns: what else the machine does meets all of them.
        var times = cases.Select(_ => new double[requests]).ToList();
        for (var i = 0; i < requests; i++)
        {
            for (var c = 0; c < cases.Length; c++) times[c][i] = await RequestAsync(http, i, queries[c], ct);
        }

        foreach (var sorted in times) Array.Sort(sorted);
        Console.WriteLine("| banned tags | videos left | p50 ms | p99 ms | × without |\n| --- | ---: | ---: | ---: | ---: |");
        for (var c = 0; c < cases.Length; c++)
        {
            var (median, left) = (times[c][requests / 2], await LeftAsync(cases[c].Tags, ct));
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"| {cases[c].Label} | {left:N0} | {median:0.0} | {times[c][(int)(0.99 * requests)]:0.0} | {median / times[0][requests / 2]:0.0} |"));
        }

        await api.StopAsync(ct);
    }

    private async Task<double> RequestAsync(HttpClient http, int i, string query, CancellationToken ct)
    {
        var started = Stopwatch.GetTimestamp();
        await http.GetByteArrayAsync(new Uri($"/v1/users/{world.Users[i % world.Users.Count]}/recommendations?limit=20{query}", UriKind.Relative), ct);
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private async Task<string[]> TagsAsync(string order, CancellationToken ct)
    {
        await using var command = db.CreateCommand($"select array(select tag_name from public.video_tags group by tag_name order by {order})");
        return (string[])(await command.ExecuteScalarAsync(ct))!;
    }

    private async Task<long> LeftAsync(string[] tags, CancellationToken ct)
    {
        await using var command = db.CreateCommand(
            "select count(*) from public.videos v where v.is_active and v.safety_level <= 1 and v.id not in (select t.video_id from public.video_tags t where t.tag_name = any ($1))");
        command.Parameters.Add(new() { Value = tags });
        return (long)(await command.ExecuteScalarAsync(ct))!;
    }
}
