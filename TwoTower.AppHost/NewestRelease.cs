using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using TwoTower.Postgres.Entities;

namespace TwoTower.AppHost;

/// <summary>
/// The newest release on the trainer's row of the dashboard, whoever made it. Where it was made in this run its version is a link to the
/// trace of its training, which the spans of its embedding, its gate and its recommendations link to.
/// </summary>
internal static class NewestRelease
{
    private const string Name = "Newest release";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    /// <summary>Shows it, and looks for a newer one every few seconds.</summary>
    public static void ShowNewestRelease<T>(this IResourceBuilder<T> trainer, IResourceBuilder<IResourceWithConnectionString> database)
        where T : IResource
    {
        var dashboard = trainer.ApplicationBuilder.Configuration["ASPNETCORE_URLS"]?.Split(';')[0];
        var started = DateTimeOffset.UtcNow;
        trainer.ApplicationBuilder.Eventing.Subscribe<AfterResourcesCreatedEvent>((created, ct) =>
        {
            var stopping = created.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
            var resources = created.Services.GetRequiredService<ResourceNotificationService>();
            _ = Task.Run(() => FollowAsync(trainer.Resource, database.Resource, resources, dashboard, started, stopping), stopping);
            return Task.CompletedTask;
        });
    }

    private static async Task FollowAsync(
        IResource trainer, IResourceWithConnectionString database, ResourceNotificationService resources,
        string? dashboard, DateTimeOffset started, CancellationToken stopping)
    {
        NpgsqlDataSource? source = null;
        try
        {
            using var timer = new PeriodicTimer(Pause);
            do
            {
                source ??= Postgres.Connections.DataSources.Create(
                    await database.GetConnectionStringAsync(stopping) ?? throw new InvalidOperationException("the database has no connection string"));
                if (await ReadAsync(source, stopping) is { } newest)
                {
                    await resources.PublishUpdateAsync(
                        trainer, snapshot => With(snapshot, newest, newest.CreatedAt >= started ? dashboard : null));
                }
            }
            while (await timer.WaitForNextTickAsync(stopping));
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            // The end of the run.
        }
        finally
        {
            if (source is not null)
            {
                await source.DisposeAsync();
            }
        }
    }

    // The same snapshot where it says so already. A restart of the trainer takes its addresses away, and they come again.
    private static CustomResourceSnapshot With(CustomResourceSnapshot snapshot, Release newest, string? dashboard)
    {
        var link = dashboard is null || newest.Trace is null ? null : $"{dashboard}/traces/detail/{newest.Trace}";
        if (snapshot.Properties.Any(property => property.Name == Name && (string?)property.Value == newest.Version)
            && snapshot.Urls.SingleOrDefault(url => url.Name == Name)?.Url == link)
        {
            return snapshot;
        }

        return snapshot with
        {
            Properties =
                [.. snapshot.Properties.Where(property => property.Name != Name), new(Name, newest.Version) { IsHighlighted = true }],
            Urls =
            [
                .. snapshot.Urls.Where(url => url.Name != Name),
                .. link is null
                    ? [] : new[] { new UrlSnapshot(Name, link, IsInternal: false) { DisplayProperties = new(newest.Version, 0) } },
            ],
        };
    }

    // Null: there is none yet, or no database to ask. The processes' own logs say what is wrong then.
    private static async Task<Release?> ReadAsync(NpgsqlDataSource source, CancellationToken ct)
    {
        try
        {
            await using var context = TwoTowerDb.Open(source);
            return await context.Set<Postgres.Releases.Release>().OrderByDescending(release => release.Id)
                .Select(release => new Release(release.ModelVersion, TraceOf(release.TraceParent), release.CreatedAt))
                .FirstOrDefaultAsync(ct);
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }

    // The second part of a W3C traceparent.
    private static string? TraceOf(string? traceParent) => traceParent?.Split('-')[1];

    private sealed record Release(string Version, string? Trace, DateTimeOffset CreatedAt);
}
