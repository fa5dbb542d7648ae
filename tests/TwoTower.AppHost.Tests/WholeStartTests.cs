using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using TwoTower.Testing;

namespace TwoTower.AppHost.Tests;

/// <summary>All of it, started as `dotnet run` starts it: from an empty database to a recommendation of a trained model.</summary>
[Collection("postgres")]
public class WholeStartTests(PostgresFixture postgres)
{
    // Generating, training and embedding the demo catalogue on two cores, with room.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(15);

    [Fact]
    public async Task An_empty_database_becomes_recommendations()
    {
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TwoTower_AppHost>(
            ["--database", "connection-string", "--ConnectionStrings:twotower", database.ConnectionString, "--recipe", "v2-fast"]);
        await using var app = await builder.BuildAsync();

        await StartsAndRecommendsAsync(app, () => database.ScalarAsync<Guid>("select user_id from profiles order by user_id limit 1"));
    }

    [SkippableFact]
    public async Task The_same_with_the_database_in_a_container()
    {
        Skip.IfNot(await EngineAnswersAsync(), "no container engine answers `docker info`");
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TwoTower_AppHost>(["--recipe", "v2-fast"]);

        // The data volume is the developer's; a test gets the container's own disk.
        var server = builder.Resources.OfType<PostgresServerResource>().Single();
        foreach (var volume in server.Annotations.OfType<ContainerMountAnnotation>().ToList())
        {
            server.Annotations.Remove(volume);
        }

        await using var app = await builder.BuildAsync();
        await StartsAndRecommendsAsync(app, async () =>
        {
            await using var data = Npgsql.NpgsqlDataSource.Create((await app.GetConnectionStringAsync("twotower"))!);
            await using var command = data.CreateCommand("select user_id from profiles order by user_id limit 1");
            return (Guid)(await command.ExecuteScalarAsync())!;
        });
    }

    [Fact]
    public async Task A_failed_migration_stops_the_start_and_is_told_by_its_resource()
    {
        await using var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TwoTower_AppHost>(
            ["--database", "connection-string", "--ConnectionStrings:twotower", "Host=127.0.0.1;Port=1;Username=nobody;Database=nothing;Timeout=2"]);
        await using var app = await builder.BuildAsync();
        using var limit = new CancellationTokenSource(Limit);
        await app.StartAsync(limit.Token);

        var resources = app.Services.GetRequiredService<ResourceNotificationService>();
        var migration = await resources.WaitForResourceAsync("migration", Ended, limit.Token);
        Assert.NotEqual(0, migration.Snapshot.ExitCode);
        await SaysAsync(app, migration.ResourceId, "the database didn't answer within", limit.Token);
        var api = await resources.WaitForResourceAsync("api", @event => @event.Snapshot.State?.Text == KnownResourceStates.FailedToStart, limit.Token);
        Assert.Equal(KnownResourceStates.FailedToStart, api.Snapshot.State?.Text);
    }

    private static async Task StartsAndRecommendsAsync(DistributedApplication app, Func<Task<Guid>> someViewer)
    {
        using var limit = new CancellationTokenSource(Limit);
        await app.StartAsync(limit.Token);

        var resources = app.Services.GetRequiredService<ResourceNotificationService>();
        foreach (var job in new[] { "migration", "demo-data", "trainer" })
        {
            var ended = await resources.WaitForResourceAsync(job, Ended, limit.Token);
            Assert.True(ended.Snapshot.ExitCode == 0, $"{job} ended with {ended.Snapshot.ExitCode}");
        }

        var api = await resources.WaitForResourceHealthyAsync("api", limit.Token);
        Assert.Contains(api.Snapshot.Urls, url => url.DisplayProperties.DisplayName == "API documentation" && url.Url.EndsWith("/docs", StringComparison.Ordinal));
        using var client = app.CreateHttpClient("api", "http");
        var viewer = await someViewer();

        // Training is over; the embedder makes the release active a little later.
        while (true)
        {
            using var response = await client.GetAsync(new Uri($"/v1/users/{viewer}/recommendations?limit=5", UriKind.Relative), limit.Token);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>(limit.Token);
            if (answer.GetProperty("modelVersion").ValueKind == JsonValueKind.String)
            {
                Assert.Equal(5, answer.GetProperty("videos").GetArrayLength());
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(2), limit.Token);
        }
    }

    // What the dashboard shows of a resource, until the text is there.
    private static async Task SaysAsync(DistributedApplication app, string resourceId, string text, CancellationToken cancellationToken)
    {
        await foreach (var lines in app.Services.GetRequiredService<ResourceLoggerService>().WatchAsync(resourceId).WithCancellation(cancellationToken))
        {
            if (lines.Any(line => line.Content.Contains(text, StringComparison.Ordinal))) return;
        }

        Assert.Fail($"{resourceId} never said '{text}'");
    }

    private static bool Ended(ResourceEvent @event) => KnownResourceStates.TerminalStates.Contains(@event.Snapshot.State?.Text);

    private static async Task<bool> EngineAnswersAsync()
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo("docker", ["info"]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            await Task.WhenAll(process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync(), process.WaitForExitAsync());
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No such program.
            return false;
        }
    }
}

[CollectionDefinition("postgres")]
public class PostgresCollection : ICollectionFixture<PostgresFixture>;
