using System.Collections.Concurrent;
using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using TwoTower.Postgres.Entities;
using TwoTower.ServiceDefaults.Database;
using TwoTower.Testing;

namespace TwoTower.ServiceDefaults.Tests;

/// <summary>Which commands make spans where everything is sampled, as Aspire has it.</summary>
[Collection(nameof(Alone))]
public sealed class DatabaseTracingTests(PostgresFixture postgres)
{
    [Theory]
    [InlineData(null)]
    [InlineData("other")]
    public async Task A_command_makes_a_span_only_within_a_trace(string? serviceKey)
    {
        await using var db = await postgres.CreateDatabaseAsync();
        var spans = new ConcurrentBag<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Npgsql" or "TwoTower.Tests",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = spans.Add,
        };
        ActivitySource.AddActivityListener(listener);

        var builder = Host.CreateEmptyApplicationBuilder(null);
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:twotower", db.ConnectionString)]);
        builder.AddTwoTowerDatabase("twotower");
        builder.AddKeyedTwoTowerDatabase("twotower", "other");
        using var host = builder.Build();
        var source = serviceKey is null
            ? host.Services.GetRequiredService<NpgsqlDataSource>()
            : host.Services.GetRequiredKeyedService<NpgsqlDataSource>(serviceKey);

        await ExecuteAsync(source, "select 'a poll'");
        await QueryAsync(source, "a poll of entities");
        using var traces = new ActivitySource("TwoTower.Tests");
        ActivitySpanId work;
        using (var trace = traces.StartActivity("work"))
        {
            work = trace!.SpanId;
            await ExecuteAsync(source, "select 'a part of the work'");
            await QueryAsync(source, "entities for the work");
        }

        Assert.DoesNotContain(spans, span => Says(span, "'a poll'") || Says(span, "a poll of entities"));
        Assert.Equal(work, Assert.Single(spans, span => Says(span, "'a part of the work'")).ParentSpanId);
        Assert.Equal(work, Assert.Single(spans, span => Says(span, "entities for the work")).ParentSpanId);
        Assert.DoesNotContain(spans, span => span.ParentSpanId == default && span.Source.Name == "Npgsql" && Says(span, db.Name));
    }

    private static bool Says(Activity span, string text) =>
        span.TagObjects.Any(tag => tag.Value is string value && value.Contains(text, StringComparison.Ordinal));

    private static async Task QueryAsync(NpgsqlDataSource source, string tag)
    {
        await using var context = TwoTowerDb.Open(source);
        await context.Videos.TagWith(tag).ToListAsync();
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using var command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
