using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using Aspire.Hosting.Testing;
using Microsoft.Extensions.DependencyInjection;
using TwoTower.LocalPostgres;
using TwoTower.Postgres.Releases;
using TwoTower.Testing;

namespace TwoTower.AppHost.Tests;

/// <summary>All of it, started by the real orchestrator as `dotnet run` starts it. Every wait is for a state.</summary>
public class WholeStartTests(PostgresFixture postgres)
{
    // For a machine on which ten other programs want the processors.
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(30);

    [Fact]
    public async Task An_empty_database_becomes_recommendations_and_the_commands_do_what_they_say()
    {
        using var limit = new CancellationTokenSource(Limit);
        using var checkpoints = new TemporaryFolder();
        await using var database = await postgres.CreateEmptyDatabaseAsync();
        await using var builder = await BuildAsync(checkpoints, "--database", "connection-string", "--ConnectionStrings:twotower", database.ConnectionString);
        await using var app = await builder.BuildAsync();
        await app.StartAsync(limit.Token);

        using var client = await RecommendsAsync(app, limit.Token);
        var user = await database.ScalarAsync<Guid>("select user_id from profiles order by user_id limit 1");
        var first = await ModelAsync(client, user, version => version is not null, limit.Token);

        // There is no way back from the first release, and the command says so.
        var nowhere = await CommandAsync(app, "trainer", "roll-back", limit.Token);
        Assert.False(nowhere.Success);
        Assert.Contains("nothing to roll back to", nowhere.Message, StringComparison.Ordinal);

        var train = await CommandAsync(app, "trainer", "train", limit.Token, ("recipe", "v2-fast"), ("epochs", "1"));
        Assert.True(train.Success, train.Message);
        var again = await CommandAsync(app, "trainer", "train", limit.Token, ("recipe", ""), ("epochs", ""));
        Assert.False(again.Success);
        Assert.Contains("wait until it has ended", again.Message, StringComparison.Ordinal);
        await EndedAsync(app, "trainer", limit.Token);

        var shown = await CommandAsync(app, "trainer", "newest-release", limit.Token);
        var second = await database.ScalarAsync<string>("select model_version from two_tower.releases order by release_id desc limit 1");
        Assert.NotEqual(first, second);
        Assert.Contains(second, shown.Data?.Value, StringComparison.Ordinal);
        Assert.Contains("recipe v2-fast", shown.Data?.Value, StringComparison.Ordinal);
        Assert.Equal("1", await database.ScalarAsync<string>($"select config #>> '{{training,epochs}}' from two_tower.releases where model_version = '{second}'"));

        await app.Services.GetRequiredService<ResourceNotificationService>().WaitForResourceAsync(
            "trainer", now => now.Snapshot.Properties.Any(property => property.Name == "Newest release" && (string?)property.Value == second), limit.Token);

        while (await database.ScalarAsync<string>($"select state::text from two_tower.releases where model_version = '{second}'") != "ready")
        {
            await Task.Delay(TimeSpan.FromSeconds(1), limit.Token);
        }

        await using (var data = Npgsql.NpgsqlDataSource.Create(database.ConnectionString))
        {
            await new ReleaseStore(data).ActivateAsync(second, "test", null, limit.Token);
        }

        await ModelAsync(client, user, version => version == second, limit.Token);
        var back = await CommandAsync(app, "trainer", "roll-back", limit.Token);
        Assert.True(back.Success, back.Message);
        await ModelAsync(client, user, version => version == first, limit.Token);

        var embed = await CommandAsync(app, "embedder", "re-embed", limit.Token);
        Assert.True(embed.Success, embed.Message);
        Assert.Contains($"{first}: 600 videos have a vector, 0 of them new", embed.Data?.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_same_with_the_database_in_a_container()
    {
        var (engine, reason) = await LocalPostgresServer.FindContainerEngineAsync();
        Assert.SkipWhen(engine is null, reason ?? "");
        using var limit = new CancellationTokenSource(Limit);
        using var checkpoints = new TemporaryFolder();
        await using var builder = await BuildAsync(checkpoints, "--database", "container");

        // The data volume is the developer's; a test gets the container's own disk.
        var server = builder.Resources.OfType<PostgresServerResource>().Single();
        foreach (var volume in server.Annotations.OfType<ContainerMountAnnotation>().ToList())
        {
            server.Annotations.Remove(volume);
        }

        await using var app = await builder.BuildAsync();
        await app.StartAsync(limit.Token);
        using var client = await RecommendsAsync(app, limit.Token);
        await using var data = Npgsql.NpgsqlDataSource.Create((await app.GetConnectionStringAsync("twotower"))!);
        await using var command = data.CreateCommand("select user_id from profiles order by user_id limit 1");
        await ModelAsync(client, (Guid)(await command.ExecuteScalarAsync(limit.Token))!, version => version is not null, limit.Token);
    }

    [Fact]
    public async Task A_failed_migration_stops_the_start_and_is_told_by_its_resource()
    {
        using var limit = new CancellationTokenSource(Limit);
        using var checkpoints = new TemporaryFolder();
        await using var builder = await BuildAsync(
            checkpoints, "--database", "connection-string", "--ConnectionStrings:twotower", "Host=127.0.0.1;Port=1;Username=nobody;Database=nothing;Timeout=2");
        await using var app = await builder.BuildAsync();
        await app.StartAsync(limit.Token);

        var resources = app.Services.GetRequiredService<ResourceNotificationService>();
        var migration = await resources.WaitForResourceAsync("migration", HasEnded, limit.Token);
        Assert.NotEqual(0, migration.Snapshot.ExitCode);
        await SaysAsync(app, migration.ResourceId, "the database didn't answer within", limit.Token);
        foreach (var other in new[] { "api", "embedder", "trainer" })
        {
            await resources.WaitForResourceAsync(other, KnownResourceStates.FailedToStart, limit.Token);
        }
    }

    // A small world, two epochs, and a checkpoint of the test's own.
    private static async Task<IDistributedApplicationTestingBuilder> BuildAsync(TemporaryFolder checkpoints, params string[] args)
    {
        var builder = await DistributedApplicationTestingBuilder.CreateAsync<Projects.TwoTower_AppHost>(["--port", "0", .. args]);
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == "demo-data"))
            .WithArgs("--viewers", "300", "--videos", "600");
        builder.CreateResourceBuilder(builder.Resources.OfType<ProjectResource>().Single(resource => resource.Name == "trainer"))
            .WithEnvironment("TWOTOWER_RECIPE__TRAINING__EPOCHS", "2")
            .WithEnvironment("TWOTOWER_HOME", checkpoints.Path);
        return builder;
    }

    private static async Task<HttpClient> RecommendsAsync(DistributedApplication app, CancellationToken ct)
    {
        foreach (var job in new[] { "migration", "demo-data", "trainer" })
        {
            await EndedAsync(app, job, ct);
        }

        var api = await app.Services.GetRequiredService<ResourceNotificationService>().WaitForResourceHealthyAsync("api", ct);
        foreach (var (name, path) in new[] { ("Documentation", "/docs"), ("Health", "/health/ready") })
        {
            Assert.Contains(
                api.Snapshot.Urls, url => url.DisplayProperties.DisplayName == name && url.Url.EndsWith(path, StringComparison.Ordinal));
        }

        return app.CreateHttpClient("api", "http");
    }

    private static async Task EndedAsync(DistributedApplication app, string job, CancellationToken ct)
    {
        var ended = await app.Services.GetRequiredService<ResourceNotificationService>().WaitForResourceAsync(job, HasEnded, ct);
        Assert.True(ended.Snapshot.ExitCode == 0, $"{job} ended with {ended.Snapshot.ExitCode}");
    }

    // Asks until the API serves the release that is wanted: it hears of an activation a little later.
    private static async Task<string> ModelAsync(HttpClient client, Guid user, Func<string?, bool> wanted, CancellationToken ct)
    {
        while (true)
        {
            using var response = await client.GetAsync(new Uri($"/v1/users/{user}/recommendations?limit=5", UriKind.Relative), ct);
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            var answer = await response.Content.ReadFromJsonAsync<JsonElement>(ct);
            Assert.Equal(5, answer.GetProperty("videos").GetArrayLength());
            if (answer.GetProperty("modelVersion").GetString() is var version && wanted(version)) return version!;
            await Task.Delay(TimeSpan.FromSeconds(1), ct);
        }
    }

    private static Task<ExecuteCommandResult> CommandAsync(
        DistributedApplication app, string resource, string command, CancellationToken ct, params (string Name, string Value)[] arguments)
    {
        var resources = app.Services.GetRequiredService<DistributedApplicationModel>().Resources;
        var inputs =
            arguments.Select(
                argument => new InteractionInput { Name = argument.Name, InputType = InputType.Text, Value = argument.Value }).ToList();
        return app.Services.GetRequiredService<ResourceCommandService>()
            .ExecuteCommandAsync(resources.Single(one => one.Name == resource), command, new InteractionInputCollection(inputs), ct);
    }

    // What the dashboard shows of a resource, until the text is there.
    private static async Task SaysAsync(DistributedApplication app, string resourceId, string text, CancellationToken ct)
    {
        await foreach (var lines in app.Services.GetRequiredService<ResourceLoggerService>().WatchAsync(resourceId).WithCancellation(ct))
        {
            if (lines.Any(line => line.Content.Contains(text, StringComparison.Ordinal))) return;
        }

        Assert.Fail($"{resourceId} never said '{text}'");
    }

    private static bool HasEnded(ResourceEvent @event) => KnownResourceStates.TerminalStates.Contains(@event.Snapshot.State?.Text);
}
