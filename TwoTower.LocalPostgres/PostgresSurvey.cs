using TwoTower.LocalPostgres.Apt;
using TwoTower.LocalPostgres.Clusters;
using TwoTower.LocalPostgres.Container;
using TwoTower.LocalPostgres.Machine;

namespace TwoTower.LocalPostgres;

/// <summary>One way to get a PostgreSQL with pgvector.</summary>
/// <param name="Name">The way: "a container".</param>
/// <param name="Usable">Whether it would work now; for a download, whether everything on this machine is ready for it.</param>
/// <param name="Detail">What was found, or why it can't be used.</param>
internal sealed record PostgresSource(string Name, bool Usable, string Detail);

/// <summary>Looks at every way that <see cref="LocalPostgresServer"/> knows, in its order. Starts, pulls and downloads nothing.</summary>
internal static class PostgresSurvey
{
    /// <summary>Each way with what was found.</summary>
    public static async Task<IReadOnlyList<PostgresSource>> LookAsync(LocalPostgresOptions options, CancellationToken ct = default) =>
    [
        await GivenAsync(options, ct),
        await ContainerAsync(options, ct),
        await MachineAsync(options, ct),
        PrivateCopyReady(options),
    ];

    private static async Task<PostgresSource> GivenAsync(LocalPostgresOptions options, CancellationToken ct)
    {
        const string Name = "a given connection string";
        if (string.IsNullOrWhiteSpace(options.ConnectionString))
        {
            return new(Name, false, "none was given");
        }

        try
        {
            var given = await GivenServer.CheckAsync(options.ConnectionString, options.ConnectionStringName, ct);
            return new(Name, true, $"{given.Origin}, pgvector {given.PgVector}");
        }
        catch (LocalPostgresException e)
        {
            return new(Name, false, e.Message);
        }
    }

    private static async Task<PostgresSource> ContainerAsync(LocalPostgresOptions options, CancellationToken ct)
    {
        const string Name = "a container";
        if (!options.AllowContainer)
        {
            return new(Name, false, "switched off");
        }

        var (engine, reason) = await ContainerEngine.FindAsync(ct);
        return engine is null ? new(Name, false, reason!) : new(Name, true, $"{engine.Program} answers; the image is {ContainerEngine.Image}");
    }

    private static async Task<PostgresSource> MachineAsync(LocalPostgresOptions options, CancellationToken ct)
    {
        const string Name = "this machine's PostgreSQL programs";
        if (!options.AllowMachinePrograms)
        {
            return new(Name, false, "switched off");
        }

        var (found, reason) = await PostgresPrograms.OfMachineAsync(await PostgresPrograms.UsualFoldersAsync(ct), ct);
        if (found is not [var best, ..])
        {
            return new(Name, false, reason!);
        }

        return await ServerUser.FindAsync(ct) is null
            ? new(Name, false, "PostgreSQL refuses to run as root, and there is no way to run it as postgres or nobody")
            : new(Name, true, $"PostgreSQL {best.Major} with pgvector {best.PgVector} in {best.Folder}");
    }

    private static PostgresSource PrivateCopyReady(LocalPostgresOptions options)
    {
        const string Name = "a private copy of the distribution's packages";
        if (new PrivateCopy(options.Cache ?? LocalPostgresOptions.DefaultCache(), static _ => { }).Cached() is [var copy, ..])
        {
            return new(Name, true, $"PostgreSQL {copy.Major} with pgvector {copy.PgVector} in {copy.Folder}");
        }

        if (!options.AllowDownload)
        {
            return new(Name, false, "downloads are switched off");
        }

        return PrivateCopy.WhyNot() is { } reason
            ? new(Name, false, reason)
            : new(Name, true, "not there yet; the mirror of apt's sources would be asked");
    }
}
