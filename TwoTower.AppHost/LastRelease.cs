using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace TwoTower.AppHost;

/// <summary>What the trainer trained last, on its row of the dashboard: the version, as a link to the trace of its training, which the
/// spans of its embedding, its gate and its recommendations link to.</summary>
internal static class LastRelease
{
    /// <summary>Shows it after each training.</summary>
    public static void ShowLastRelease<T>(this IResourceBuilder<T> trainer, IResourceBuilder<IResourceWithConnectionString> database)
        where T : IResource =>
        trainer.OnResourceStopped(async (resource, stopped, ct) =>
        {
            if (await ReadAsync(database.Resource, ct) is not var (version, trace))
            {
                return;
            }

            var dashboard = trainer.ApplicationBuilder.Configuration["ASPNETCORE_URLS"]?.Split(';')[0];
            var link = dashboard is not null && trace is not null
                ? new UrlSnapshot("release", string.Create(CultureInfo.InvariantCulture, $"{dashboard}/traces/detail/{trace}"), IsInternal: false) { DisplayProperties = new(version, 0) }
                : null;
            await stopped.Services.GetRequiredService<ResourceNotificationService>().PublishUpdateAsync(resource, snapshot => snapshot with
            {
                Properties = [.. snapshot.Properties.Where(property => property.Name != "Last release"), new("Last release", version) { IsHighlighted = true }],
                Urls = [.. snapshot.Urls.Where(url => url.Name != "release"), .. link is null ? [] : new[] { link }],
            });
        });

    // Null: there is none yet, or no database to ask. The trainer's own log says what is wrong then.
    private static async Task<(string Version, string? Trace)?> ReadAsync(IResourceWithConnectionString database, CancellationToken ct)
    {
        try
        {
            await using var source = NpgsqlDataSource.Create((await database.GetConnectionStringAsync(ct))!);
            await using var command = source.CreateCommand(
                "select model_version, split_part(traceparent, '-', 2) from two_tower.releases order by release_id desc limit 1");
            await using var row = await command.ExecuteReaderAsync(ct);
            return await row.ReadAsync(ct) ? (row.GetString(0), await row.IsDBNullAsync(1, ct) ? null : row.GetString(1)) : null;
        }
        catch (NpgsqlException)
        {
            return null;
        }
    }
}
